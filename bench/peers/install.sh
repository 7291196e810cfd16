#!/bin/sh
# Two environments beside this file, for the peers that do not share ganache's: 3 GB, a few minutes.
set -e
cd "$(dirname "$0")"
python3 -m venv .keras && .keras/bin/pip install -q tensorflow==2.21.0 keras==3.15.0
python3 -m venv .paddle && .paddle/bin/pip install -q paddlepaddle==3.3.1
