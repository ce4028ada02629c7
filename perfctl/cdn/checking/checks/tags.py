"""Can be invalidated by cache tag?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, off, setup_in, well


def judge(evidence: Evidence) -> Verdict:
    """A possibility that not everybody needs: told, not held against anybody."""
    header = setup_in(evidence).tag_header
    if not evidence.knows_tags:
        return off("the installed botocore knows no cache tags", "pip install -U boto3")
    if header:
        return well(f"learnt from {header}")
    fix = "CacheTagConfig: {HeaderName: Cache-Tag} with perfctl cdn apply FILE, and that header from the origin"
    return off("no CacheTagConfig: perfctl cdn invalidate --tag finds nothing", fix)


RULE = Rule(name="cache tags", area="logs", judge=judge, needs="setup")
