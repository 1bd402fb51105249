/**
 * What keepalived says of configurations that are as the drivers write them, in the releases 2.1.5 to 2.3.3. Scripts
 * run as root, because the check script asks sockets of root. The drivers set no user for them.
 */
const harmless = [
  /^SECURITY VIOLATION - (?:check )?scripts are being executed but script_security not enabled/,
  /nopreempt will not work with initial state MASTER/,
  // Drivers write `authentication` for IPv6 too.
  /VRRP version 3 does not support authentication\. Ignoring\.$/,
  /Truncating auth_pass to 8 characters/,
  /user '?keepalived_script'? (?:for script execution )?does not exist/,
  // A pool of LVS without a member, or with disabled ones only, is as common as one with members.
  /Virtual server \[[^\]]*\]:\S+ has no real servers - ignoring$/,
  // Drivers before 16.0 write a member of IPv6 for a VIP of IPv4. It gets no traffic, and the others do.
  /Address family of virtual server and real server \S+ don't match - skipping real server\.$/,
];

/** Words that a message may repeat from the file. Any other word of the file may be a secret. */
const keywords = new Set(
  `accept advert_int auth_pass auth_type authentication fall for from garp_master_refresh global_defs in interface
  interval is nopreempt not or priority rise rule route script src state table to track_script unicast_peer
  unicast_src_ip virtual_ipaddress virtual_ipaddress_excluded virtual_router_id virtual_routes virtual_rules vrrp_instance
  vrrp_script`.split(/\s+/),
);

const maxMessages = 5;
const maxLength = 200;

/**
 * Reads what `keepalived --config-test` reports.
 * @param report lines of keepalived, such as `(FILE: Line 20) Unknown keyword 'x'`
 * @param config the file that was tested
 * @returns the complaints, such as `line 20: Unknown keyword '…'`, without any text of the file that may be secret; empty
 * if there are none
 */
export function readCheckMessages(report: string, config: string): string[] {
  const valuesInFile = new Set(tokensOf(config).filter((word) => !keywords.has(word)));
  const messages = report
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !harmless.some((pattern) => pattern.test(line)))
    .map((line) => withoutValues(line, valuesInFile));
  // keepalived reads a file three times, and repeats some of its complaints.
  return [...new Set(messages)].slice(0, maxMessages);
}

function withoutValues(line: string, valuesInFile: ReadonlySet<string>): string {
  const [, number, text = line] = /^\((?:[^()]*: )?Line (\d+)\) (.*)$/.exec(line) ?? [];
  const shown = text
    .replace(/\p{Cc}/gu, '?')
    // An apostrophe inside a word begins no quotation.
    .replace(/(?<!\w)(['"`]).*?(?:\1(?!\w)|$)/g, "'…'")
    .replace(/[^\s(){}'",;:]+/g, (word) => (isValue(word, valuesInFile) ? '…' : word))
    .slice(0, maxLength);
  return number === undefined ? shown : `line ${number}: ${shown}`;
}

function isValue(word: string, valuesInFile: ReadonlySet<string>): boolean {
  return valuesInFile.has(word) || valuesInFile.has(word.replace(/\.$/, ''));
}

function tokensOf(text: string): string[] {
  return text.split(/[\s(){}'",;:]+/).filter((word) => word !== '');
}
