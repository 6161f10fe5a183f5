"""`fwi rtm`."""

from fwicli.cli.running import run_command

command = run_command(
    "rtm",
    in_parts=True,
    rank=80,
    short_help="Image the earth from shot records (reverse-time migration).",
    help="Image recorded data in the smooth model described by CONFIG.",
    examples=(
        "rtm rtm.yaml",
        "rtm rtm.yaml -o runs/image --set imaging.laplacian=false",
        "rtm rtm.yaml -o runs/image --force --json",
        "rtm rtm.yaml -o runs/image --shots 0:100",
    ),
)
