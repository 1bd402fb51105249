import { maskConf } from '../../src/corosync/conf.ts';
import { parseAccounts } from '../../src/parsers/accounts.ts';
import { parseCib } from '../../src/parsers/cib/cib.ts';
import * as cibText from '../../src/parsers/cib/text.ts';
import { parseCfgtool } from '../../src/parsers/corosync/cfgtool.ts';
import { parseCorosyncConf } from '../../src/parsers/corosync/conf.ts';
import { parseQuorumtool } from '../../src/parsers/corosync/quorumtool.ts';
import { readConfig } from '../../src/parsers/haproxy/config.ts';
import { readDriverConfig } from '../../src/parsers/haproxy/driver-config.ts';
import { rewriteFor } from '../../src/parsers/haproxy/rewrite.ts';
import { statesForReload } from '../../src/parsers/haproxy/servers-state.ts';
import { isServersState, parseInfo, parseStats } from '../../src/parsers/haproxy/stats.ts';
import { parseCrmMon } from '../../src/parsers/crm-mon.ts';
import { parseTransition } from '../../src/parsers/crm-simulate.ts';
import { parseLvsServices, parseLvsStats } from '../../src/parsers/ipvsadm.ts';
import { readVrrpConfig } from '../../src/parsers/keepalived/conf.ts';
import { readLvsConfig } from '../../src/parsers/keepalived/lvs.ts';
import { parseAgentMetadata, parseParameters } from '../../src/parsers/metadata.ts';
import { parseOsloConfig } from '../../src/parsers/oslo-config.ts';
import { parsePem, readCrtList } from '../../src/parsers/pem.ts';
import { parseSystemctlShow } from '../../src/parsers/systemctl-show.ts';
import { parseEditableXml, writeXml } from '../../src/parsers/xml-edit.ts';
import { parseXml } from '../../src/parsers/xml.ts';
import { corosyncConfAsJson } from '../../src/routes/ha/documents/corosync-conf.ts';
import { stateAsJson } from '../../src/routes/ha/documents/status.ts';
import { maskArgv, maskPairs, maskText, maskValues } from '../../src/kit/secrets/masking.ts';
import { expectLinear } from '../support/growth.ts';

const haproxyPlace = { id: 'a', base: '/var/lib/octavia', certificates: '/var/lib/octavia/certs' };

/** Functions that read texts from outside the agent. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  maskText: (text) => maskText(text),
  maskPairs: (text) => maskPairs(text),
  'maskPairs of one value': (text) => maskPairs(`<nvpair name="options" value="${text}"/>`),
  maskArgv: (text) => maskArgv(text.split(' ')),
  maskValues: (text) => maskValues({ params: { options: text, passwd: text } }),
  maskConf,
  parseCorosyncConf: (text) => corosyncConfAsJson(parseCorosyncConf(text)),
  parseXml: (text) => parseXml(text),
  'parseXml of one element': (text) => parseXml(`<a>${text}</a>`),
  'parseXml of one value': (text) => parseXml(`<a b="${text}"/>`),
  parseEditableXml: (text) => writeXml(parseEditableXml(`<a>${text}</a>`)),
  parseCib: (text) => parseCib(`<cib><configuration>${text}</configuration></cib>`),
  withoutStatus: (text) => cibText.withoutStatus(`<cib></configuration><status>${text}`),
  isOfCluster: cibText.isOfCluster,
  versionOfCib: cibText.versionOfCib,
  withAgentsOfTemplates: cibText.withAgentsOfTemplates,
  configurationIdentity: (text) => cibText.configurationIdentity(`${text}<configuration`),
  parseCrmMon: (text) => stateAsJson(parseCrmMon(`<crm_mon>${text}</crm_mon>`)),
  parseAgentMetadata: (text) => parseAgentMetadata(text),
  parseParameters: (text) => parseParameters(text),
  parseCfgtool,
  parseQuorumtool: (text) => parseQuorumtool(`Quorate: Yes\n${text}`),
  parseTransition: (text) => parseTransition(`Transition Summary:\n * ${text}`),
  parseSystemctlShow,
  parseAccounts,
  parseOsloConfig: (text) => parseOsloConfig(`[a]\n${text}`),
  parsePem,
  'parsePem of one block': (text) => parsePem(`-----BEGIN CERTIFICATE-----\n${text}`),
  readCrtList: (text) => readCrtList(text, '/a'),
  parseLvsServices: (text) => parseLvsServices(`UDP  10.0.0.1:80 rr\n${text}`),
  parseLvsStats,
  readVrrpConfig: (text) => readVrrpConfig(text, { checkScript: '/a' }),
  readLvsConfig: (text) => readLvsConfig(text, { folder: '/a' }),
  readConfig,
  readDriverConfig: (text) => readDriverConfig(text, haproxyPlace),
  'readDriverConfig of a frontend': (text) =>
    readDriverConfig(`frontend a\nredirect location ${text}`, haproxyPlace),
  rewriteFor: (text) =>
    rewriteFor(`global\n${text}`, { version: '3.0.11', stateFile: '/servers-state' }),
  parseStats,
  'parseStats of rows': (text) => parseStats(`# pxname,svname,status,weight,type\n${text}`),
  parseInfo,
  statesForReload,
  isServersState: (text) => isServersState(`1\n# be_id be_name srv_id srv_name ${text}`),
};

/** Texts on which a regular expression may start at each position and run to the end each time. */
const evils = [
  '\r',
  ' ',
  '\n',
  '\t',
  '#',
  'key',
  'key:\r',
  '\rkey',
  'a',
  'a-',
  '-',
  '=',
  ':',
  '"',
  "'",
  '\\"',
  'key=',
  'key="',
  "key='",
  'key=\\"',
  'passwd: ',
  '--token ',
  'a://b:c',
  'a://b@',
  '@',
  '&',
  '&#x41;',
  '<',
  '>',
  '<a',
  '<a ',
  '<a b="',
  "<a b='",
  '<a>',
  '<a b="c"/>',
  '<a></a>',
  '</a>',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<?',
  '<!DOCTYPE ',
  '<cib ',
  '<node_state ',
  '<primitive ',
  '<template ',
  '<primitive template="',
  '<longdesc ',
  '<longdesc>',
  '<status>',
  '</status>',
  '</status> ',
  '{',
  '}',
  'a{\n',
  'a {\n}\n',
  'a: b\n',
  'LINK ID 1',
  'addr = ',
  'nodeid 1: ',
  '1 1 ',
  ': ',
  'Start r ( ',
  'Start r (a) ',
  'Fence (',
  'epoch="',
  ' (votes 1',
  'Allowed values: ',
  '1',
  '\n\n',
  '<nvpair name="passwd" value="x"/>',
  '<nvpair name="a" value="',
  'name="passwd" value="',
  '-----BEGIN CERTIFICATE-----\n',
  '-----END CERTIFICATE-----\n',
  'AAAA',
  'AAAA\n',
  '/a/b.pem\n',
  '  -> 10.0.0.1:80 Masq 1 0 0\n',
  'virtual_server 10.0.0.1 80 {\n',
  '# Configuration for Member a\n',
  'include a\n',
  '[a]\n b\n',
  '%[',
  '%{',
  '%[path,lower(',
  'global\n',
  'frontend a\n',
  'backend a:b\n server a 192.0.2.1:80 check\n',
  'use_backend a if b\n',
  'option httpchk GET / HTTP/1.0\\r\\n\n',
  'b,s,UP,1,2\n',
  'b,',
];

describe('hostile texts', () => {
  for (const [name, read] of Object.entries(readers)) {
    it(`take ${name} linear time`, function () {
      this.timeout(600_000);
      for (const evil of evils) {
        const make = (length: number) => evil.repeat(Math.ceil(length / evil.length));
        expectLinear(read, make);
        // A character at the end that fails the match makes each start position fail again.
        expectLinear(read, (length) => `${make(length)}\0`);
      }
    });
  }
});
