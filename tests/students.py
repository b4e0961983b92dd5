"""A student to mix data for: a tiny tokenizer with a chat template, no weights."""

from pathlib import Path

from open_r1.data.tokenizer import train_tokenizer

PLAIN = "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token if m.role == 'assistant' }}\n{% endfor %}"
PLAIN += "{% if add_generation_prompt %}assistant: {% endif %}"
PREFILLED = PLAIN.replace("assistant: {% endif %}", "assistant: <think>{% endif %}")
SWALLOWS = PLAIN.replace("m.content", "m.content.split('</think>')[-1]")
ENDLESS = PLAIN.replace("{{ eos_token if m.role == 'assistant' }}", "")


def save_student(directory: Path, template: str | None = PLAIN) -> str:
    """Saves a tokenizer of single bytes and digits; returns its directory."""
    tokenizer = train_tokenizer(["user: 1 assistant: <think> </think>"], 258)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(directory)
    (directory / "config.json").write_text('{"model_type": "llama"}')
    return str(directory)
