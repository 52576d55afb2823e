"""A DAG of two tasks."""

from airflow.sdk import dag, task


@dag(schedule=None)
def etl():
    @task
    def extract():
        return [1, 2, 3]

    @task
    def load(rows):
        print(sum(rows))

    load(extract())


etl()
