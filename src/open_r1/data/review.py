"""A page for looking at rows by hand: `review.html` lists them with keep and drop, and exports the choice as JSON for
`decisions:`.

The paper's annotators check what the rewriter made (supplement B.3.2); this is the same step for one pair of eyes. The
page is one file that loads nothing; it remembers the choice in the browser.
"""

import html
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..core.errors import DataError
from ..core.rows import Row, name_of

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Review</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1200px;padding:0 1rem 4rem;color:#222}
header{position:sticky;top:0;background:#fff;padding:.7rem 0;border-bottom:1px solid #ccc}
article{margin:1.2rem 0;padding:.8rem 1rem;border:1px solid #ccc;border-left:6px solid #2a7;border-radius:4px}
article.drop{border-left-color:#c33;opacity:.55}article:focus{outline:2px solid #36c}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem}h4{margin:.4rem 0 .1rem;font-size:.8rem;color:#666}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;font:13px/1.45 ui-monospace,monospace}
button{font:inherit;padding:.2rem .8rem}
</style>
<header><b id="count"></b> <button onclick="save()">export decisions.json</button>
keys: j next, k previous, d drop or keep</header><main>
"""
TAIL = """</main><script>
const all=[...document.querySelectorAll('article')],key='review '+location.pathname
let dropped=new Set(JSON.parse(localStorage.getItem(key)||'[]'))
function show(){for(const a of all)a.classList.toggle('drop',dropped.has(a.id))
 const n=all.filter(a=>dropped.has(a.id)).length
 document.getElementById('count').textContent=`${all.length-n} kept, ${n} dropped`
 localStorage.setItem(key,JSON.stringify([...dropped]))}
function flip(id){dropped.has(id)?dropped.delete(id):dropped.add(id);show()}
function save(){const ids=all.map(a=>a.id).filter(id=>dropped.has(id)),a=document.createElement('a')
 a.href=URL.createObjectURL(new Blob([JSON.stringify({dropped:ids},null,1)],{type:'application/json'}))
 a.download='decisions.json';a.click()}
for(const a of all)a.querySelector('button').onclick=()=>flip(a.id)
document.onkeydown=e=>{const i=all.indexOf(document.activeElement)
 if(e.key=='j')all[Math.min(all.length-1,i+1)].focus();if(e.key=='k')all[Math.max(0,i-1)].focus();if(e.key=='d'&&i>=0)flip(all[i].id)}
show()
</script></html>
"""


def text(title: str, value: Any) -> str:
    return f"<div><h4>{title}</h4><pre>{html.escape(str(value))}</pre></div>"


def card_of(row: Row) -> str:
    """One row: question and answer above, what was sampled and what it became side by side."""
    pair = text("sampled", row.get("sampled") or row["text"]) + (
        text("rewritten", row["text"]) if "sampled" in row else ""
    )
    name = html.escape(name_of(row), quote=True)
    head = f"<button>drop / keep</button> <small>{name}, gold {html.escape(str(row['answer'])[:200])}</small>"
    asked = text("question", row["question"])
    return f'<article id="{name}" tabindex="0">{head}{asked}<div class="pair">{pair}</div></article>\n'


def with_page(rows: Iterable[Row], path: Path) -> Iterator[Row]:
    """Passes rows on and writes the page beside; it is there once the last row was taken."""
    scratch = path.with_suffix(".part")
    with scratch.open("w", encoding="utf-8", errors="replace") as file:
        file.write(HEAD)
        for row in rows:
            file.write(card_of(row))
            yield row
        file.write(TAIL)
    scratch.replace(path)


def read_decisions(path: str) -> set[str]:
    """The rows, as `problem/sample`, that were dropped on the page."""
    try:
        dropped = json.loads(Path(path).read_text(encoding="utf-8"))["dropped"]
        if not isinstance(dropped, list):
            raise TypeError("`dropped` is no list")
        return set(map(str, dropped))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"decisions {path}: {type(error).__name__}: {error}", "export them from review.html") from None
