"""What does a visitor of the bare domain see?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well


def judge(evidence: Evidence) -> Verdict:
    """Behind S3 without a default root object: a list of the bucket, or AccessDenied."""
    setup = setup_in(evidence)
    default = setup.behaviours[-1]
    if setup.root_object or default.functions or not any(one.is_s3 for one in setup.first_origins(default)):
        return well(f"/ is {setup.root_object}" if setup.root_object else "/ is the origin's own to answer")
    return Verdict(
        status="warn",
        observed="/ goes to S3 as it is: AccessDenied, or a list of the bucket",
        fix="DefaultRootObject: index.html with perfctl cdn apply FILE",
    )


RULE = Rule(name="default root object", area="viewer", judge=judge, needs="setup")
