#!/usr/bin/env bash
# What the tests in a browser need: Selenium, Chromium and axe-core (test-only, MPL: never committed).
# Each is got where it is missing; what cannot be got is said in a line, and its tests are skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
python=$1
AXE=4.11.0
INTEGRITY=sha512-ilYanEU8vxxBexpJd8cWM4ElSQq4QctCLKih0TSfjIfCQTeyH/6zVrmIJfLPrKTKJRbiG+cfnZbQIjAlJmF1jQ==

"$python" -c "import selenium, html5lib, py_mini_racer" 2>/dev/null ||
    "$python" -m pip install --quiet --disable-pip-version-check -r requirements-browser.txt ||
    echo "no Selenium: pip could not install requirements-browser.txt"

chromium() { command -v chromium >/dev/null && command -v chromedriver >/dev/null; }
if ! chromium && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { timeout 120 apt-get -qq update && DEBIAN_FRONTEND=noninteractive timeout 400 apt-get -qq install --no-install-recommends -y \
        chromium chromium-driver; } >/dev/null 2>&1
fi
chromium || echo "no browser: install Debian's chromium and chromium-driver (as root, make browser does it)"

axe() {  # download, check, unpack
    local to=_build/axe
    mkdir -p $to && (cd $to && npm pack --silent "axe-core@$AXE") >/dev/null 2>&1 || return
    [ "sha512-$(openssl dgst -sha512 -binary $to/axe-core-$AXE.tgz | openssl base64 -A)" = $INTEGRITY ] || return
    tar -xzf $to/axe-core-$AXE.tgz -C $to --strip-components=1 package/axe.min.js
}
if ! [ -s _build/axe/axe.min.js ] || ! [ -f _build/axe/axe-core-$AXE.tgz ]; then
    axe || { rm -rf _build/axe; echo "no axe-core: npm could not get axe-core@$AXE, or it is not what it was"; }
fi
exit 0
