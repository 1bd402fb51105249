// Records test/fixtures/oslo-config and test/fixtures/keepalived-conf with the code of OpenStack itself:
//   npx tsx test/record-octavia.ts LIBRARIES VERSION=OCTAVIA...
// LIBRARIES is a folder into which python3-oslo.config, python3-jinja2 and python3-markupsafe were unpacked (dpkg -x).
// Each OCTAVIA is one into which python3-octavia of that version was unpacked, such as 11.0.0.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { osloTexts } from './support/octavia/oslo-texts.ts';
import { lvsContexts, vrrpContexts } from './support/octavia/contexts.ts';

const packages = 'usr/lib/python3/dist-packages';
const fixtures = new URL('./fixtures/', import.meta.url).pathname;

/** Reads texts as `ConfigParser` of oslo_config/cfg.py does, whose other imports are not needed for it. */
const readTexts = `
import importlib.util, io, json, sys
spec = importlib.util.spec_from_file_location('iniparser', sys.argv[1])
iniparser = importlib.util.module_from_spec(spec)
spec.loader.exec_module(iniparser)

class Parser(iniparser.BaseParser):
    def __init__(self):
        self.sections = {}
        self.section = None
    def new_section(self, section):
        self.section = section if section == 'DEFAULT' else section.lower()
        self.sections.setdefault(self.section, {})
    def assignment(self, key, value):
        if not self.section:
            raise self.parse_exc('Section must be started before assignment', self.lineno, '')
        self.sections[self.section].setdefault(key, []).append('\\n'.join(value))

def read(text):
    parser = Parser()
    try:
        parser.parse(io.TextIOWrapper(io.BytesIO(text.encode())).readlines())
        return {'text': text, 'sections': parser.sections}
    except iniparser.ParseError as error:
        return {'text': text, 'error': {'line': error.lineno, 'message': error.msg}}

print(json.dumps([read(text) for text in json.load(sys.stdin)]))
`;

/** Renders a template of the driver with the settings of its own environment. */
const renderTemplates = `
import json, os, sys
import jinja2
asked = json.load(sys.stdin)
def render(path, context):
    environment = jinja2.Environment(
        autoescape=True, loader=jinja2.FileSystemLoader(os.path.dirname(path)),
        trim_blocks=True, lstrip_blocks=True, extensions=['jinja2.ext.do'])
    return environment.get_template(os.path.basename(path)).render(context)
print(json.dumps([render(each['path'], each['context']) for each in asked]))
`;

function python(code: string, args: readonly string[], input: unknown, path = ''): unknown {
  const printed = execFileSync('/usr/bin/python3', ['-c', code, ...args], {
    input: JSON.stringify(input),
    env: { PYTHONPATH: path, PYTHONUTF8: '1' },
  });
  return JSON.parse(printed.toString());
}

const [libraries = '', ...versions] = process.argv.slice(2);
const library = join(libraries, packages);

const cases = python(readTexts, [join(library, 'oslo_config/iniparser.py')], osloTexts);
await mkdir(join(fixtures, 'oslo-config'), { recursive: true });
await writeFile(join(fixtures, 'oslo-config/cases.json'), `${JSON.stringify(cases, null, 2)}\n`);

for (const each of versions) {
  const [version = '', folder = ''] = each.split('=');
  const octavia = join(folder, packages, 'octavia');
  const vrrp = join(
    octavia,
    'amphorae/drivers/keepalived/jinja/templates/keepalived_base.template',
  );
  const lvs = join(octavia, 'common/jinja/lvs/templates/keepalivedlvs.cfg.j2');
  const asked = [
    ...Object.entries(vrrpContexts).map(([name, context]) => ({ name, path: vrrp, context })),
    ...Object.entries(lvsContexts).map(([name, context]) => ({ name, path: lvs, context })),
  ];
  const texts = python(renderTemplates, [], asked, library) as string[];
  const target = join(fixtures, 'keepalived-conf', version);
  await mkdir(target, { recursive: true });
  for (const [index, { name }] of asked.entries()) {
    await writeFile(join(target, `${name}.conf`), texts[index] ?? '');
  }
}
