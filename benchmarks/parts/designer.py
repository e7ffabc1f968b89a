"""NeMo Data Designer's way: a column of text written by the model for every seed row."""

from __future__ import annotations

import data_designer.config as dd
import pandas
from data_designer.interface import DataDesigner
from questions import MAX_TOKENS, MODEL, SYSTEM, TEMPERATURE, Run, told


def main(run: Run) -> None:
    """Ask everything; fails unless everything was answered."""
    inference = dd.ChatCompletionInferenceParams(
        temperature=TEMPERATURE, max_tokens=MAX_TOKENS, max_parallel_requests=run.concurrency
    )
    model = dd.ModelConfig(
        alias="teacher", model=MODEL, provider="loopback", inference_parameters=inference, skip_health_check=True
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.with_seed_dataset(dd.DataFrameSeedSource(df=pandas.DataFrame({"question": run.prompts()})))
    builder.add_column(
        dd.LLMTextColumnConfig(name="reply", prompt="{{ question }}", system_prompt=SYSTEM, model_alias="teacher")
    )
    designer = DataDesigner(
        artifact_path=run.folder,
        model_providers=[dd.ModelProvider(name="loopback", endpoint=run.url, api_key="none")],
    )
    designer.set_run_config(dd.RunConfig(otel_metrics_port=None, buffer_size=run.count))
    rows = designer.create(builder, num_records=run.count).load_dataset()
    if len(rows) != run.count or not all(rows["reply"]):
        raise ValueError("a question has no answer")


if __name__ == "__main__":
    main(told())
