import type { VrrpFiles } from './files.ts';

/**
 * The check script of keepalived, which runs all scripts in `check_scripts/`. Its exit code is the sum of theirs. Any
 * code other than 0 makes this host a backup.
 *
 * - The kernel needs `#!` in the first two bytes.
 * - The sum ends at 255, because a sum of 256 would be an exit code of 0.
 * - Files that are being written (`.new`) and links are left out.
 * - Without any script nothing is served, unless there are LVS listeners, which have no script here.
 * @param base `base_path`, without quotes in it
 */
export function checkScriptOf(base: string, { checkScripts }: VrrpFiles): string {
  return `#!/bin/bash
# Written by ha-amphora. keepalived runs it, and gives up the VIP if it fails.
shopt -s nullglob
status=0
count=0
for file in '${checkScripts}'/*; do
  [[ -f $file && ! -L $file && $file != *.new ]] || continue
  bash "$file"
  status=$((status + $?))
  count=$((count + 1))
done
if ((count == 0)); then
  lvs=('${base}'/lvs/octavia-keepalivedlvs-*.conf)
  ((\${#lvs[@]} > 0)) || status=1
fi
exit $((status > 255 ? 255 : status))
`;
}
