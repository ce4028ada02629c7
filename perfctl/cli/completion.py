"""`perfctl completion bash`: a script that asks perfctl at each TAB, so that it never goes stale."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.complete import SHELLS
from perfctl.cli.run import Run
from perfctl.errors import UsageError

group = CommandGroup()

_BASH = r"""# perfctl completion for bash; in ~/.bashrc: source <(perfctl completion bash)
_perfctl() {
    local IFS=$'\n'
    COMPREPLY=($(_PERFCTL_COMPLETE=bash COMP_CWORD="$COMP_CWORD" COMP_WORDS="${COMP_WORDS[*]}" "$1" 2>/dev/null))
}
complete -o default -F _perfctl perfctl
"""

_ZSH = r"""#compdef perfctl
# perfctl completion for zsh; in ~/.zshrc, after compinit: source <(perfctl completion zsh)
_perfctl() {
    local -a lines described
    local line
    local -x _PERFCTL_COMPLETE=zsh COMP_CWORD=$((CURRENT - 1)) COMP_WORDS="${(pj:\n:)words}"
    lines=("${(@f)$("${words[1]}" 2>/dev/null)}")
    for line in $lines; do
        [[ -n $line ]] && described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( $#described )); then _describe perfctl described; else _files; fi
}
if [[ "${funcstack[1]}" == _perfctl ]]; then _perfctl "$@"; else compdef _perfctl perfctl; fi
"""

_FISH = r"""# perfctl completion for fish; once: perfctl completion fish > ~/.config/fish/completions/perfctl.fish
function __perfctl_complete
    set -l before (commandline -opc)
    env _PERFCTL_COMPLETE=fish COMP_CWORD=(count $before) \
        COMP_WORDS=(string join \n -- $before (commandline -ct) | string collect) perfctl 2>/dev/null
end
complete -c perfctl -a '(__perfctl_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@dataclass(frozen=True, slots=True)
class CompletionScript:
    """The script of a shell."""

    shell: str
    script: str


@group.command("completion", example="source <(perfctl completion bash)")
def completion(
    run: Run, shell: Annotated[str, typer.Argument(help=f"One of {', '.join(SHELLS)}.")]
) -> CompletionScript | None:
    """Print the script that completes commands, options, contexts and outputs in a shell."""
    script = SCRIPTS.get(shell)
    if script is None:
        near = get_close_matches(shell, SHELLS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(SHELLS)}"
        raise UsageError(f"completion: no script for the shell {shell!r}", hint=hint)
    if run.terminal.output in ("json", "ndjson", "csv"):
        return CompletionScript(shell, script)
    run.terminal.write(script)
    return None
