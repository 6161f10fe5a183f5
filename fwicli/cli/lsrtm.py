"""`fwi lsrtm`."""

from fwicli.cli.running import run_command

command = run_command(
    "lsrtm",
    rank=81,
    short_help="Fit an image to shot records (least-squares migration).",
    help=(
        "Fit the image of the earth to recorded data, in the smooth model described by CONFIG.\n\n"
        "Amplitudes of the image are those of reflectivity; each iteration costs about two "
        "migrations."
    ),
    examples=(
        "lsrtm lsrtm.yaml",
        "lsrtm lsrtm.yaml -o runs/image --set least_squares.iterations=10",
        "lsrtm lsrtm.yaml -o runs/image --resume",
    ),
)
