"""Whether a file lies on a network share, where SQLite's locks and shared memory do not hold between hosts."""

from __future__ import annotations

from pathlib import Path

_KINDS = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "glusterfs", "lustre", "gpfs", "beegfs")
)
_FUSE = ("fuse.sshfs", "fuse.s3fs", "fuse.glusterfs", "fuse.rclone", "fuse.gcsfuse", "fuse.blobfuse")
_MOUNTS = Path("/proc/mounts")


def share_of(path: Path, mounts: str | None = None) -> str | None:
    """`nfs4 at /srv` where the file lies on a share, else None; None, too, where the system does not tell.

    `mounts` is the text of /proc/mounts.

    >>> share_of(Path("/srv/a/queue.sqlite"), "host:/x /srv nfs4 rw 0 0\\n/dev/sda / ext4 rw 0 0\\n")
    'nfs4 at /srv'
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    place = path.resolve()
    found: tuple[str, str] | None = None
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        folder = fields[1].replace("\\040", " ")
        is_nearer = found is None or len(folder) >= len(found[0])
        if is_nearer and (place == Path(folder) or Path(folder) in place.parents):
            found = folder, fields[2]
    if found is None or not (found[1] in _KINDS or found[1].startswith(_FUSE)):
        return None
    return f"{found[1]} at {found[0]}"
