"""Metrics of a function, written to its log in CloudWatch's embedded metric format."""

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)


class FunctionMetrics(AmazonCloudWatchEMFProvider):
    """Powertools' metrics, without its warning after a run that counts nothing."""

    def flush_metrics(self, raise_on_empty_metrics: bool = False) -> None:
        """Write the metrics of a run, if there are any."""
        if self.metric_set or raise_on_empty_metrics:
            super().flush_metrics(raise_on_empty_metrics)
