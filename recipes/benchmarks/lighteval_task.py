"""Two tasks for lighteval, which read answers as its `aime24` and its `gpqa:diamond` do: the mean of n samples.

`open-r1 evaluate ... --lighteval COMMAND` runs one of them where the questions lie in a folder `rows`.
"""

import numpy as np
from lighteval.metrics.metrics import Metrics
from lighteval.metrics.metrics_sample import AvgAtN
from lighteval.metrics.utils.metric_utils import SampleLevelMetric, SamplingMethod
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc


def doc(row, task_name=None):
    return Doc(task_name=task_name, query=row["question"], choices=row["choices"], gold_index=row["gold"])


def task(name, score):
    metric = SampleLevelMetric(
        metric_name="pass@1",  # its `@` lets `NAME@n=64|0` say the number of samples
        sample_level_fn=AvgAtN(sample_scoring_function=score),
        category=SamplingMethod.GENERATIVE,
        corpus_level_fn=np.mean,
        higher_is_better=True,
    )
    return LightevalTaskConfig(
        name=f"open_r1_{name}",
        prompt_function=doc,
        hf_repo="rows",
        hf_subset="default",
        hf_avail_splits=["train"],
        evaluation_splits=["train"],
        metrics=[metric],
    )


TASKS_TABLE = [
    task("math", Metrics.avg_at_n_math.value.sample_level_fn.compute_score),
    task("choice", Metrics.gpqa_instruct_metric.value.sample_level_fn.compute),
]
