"""Plans with a planted cause and plans that are healthy, made by running them on real servers.

`python -m tests.plans_corpus FOLDER [CODE ...]` writes `FOLDER/pg<version>/{bad,good}/<code>__<name>.json`: the plan of
every case on PostgreSQL 15 and 18. `python -m tests.plans_corpus --fixtures` writes the first bad plan of each code and
its twin to tests/fixtures/plans, where the contract suite reads them.
"""
