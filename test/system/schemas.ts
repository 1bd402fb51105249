import { expect } from 'chai';
import fc from 'fast-check';

import { parseXml, type XmlElement } from '../../src/parsers/xml.ts';
import type { Lab, LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { relaxNg } from '../support/relax-ng.ts';
import { expectWholeCib } from '../support/whole-cib.ts';
import { expectWholeState } from '../support/whole-state.ts';

type Files = ReadonlyMap<string, string>;

/** Documents that Pacemaker's schemas allow, and the CIBs of its own tests. */
export function describeSchemas(bench: () => { lab: Lab }, suite: Suite): void {
  describe('the readers of XML', () => {
    const node = () => bench().lab.nodes[0] as LabNode;

    describe("with the schemas of this node's Pacemaker", () => {
      let files: Files = new Map();

      before(async () => {
        files = await filesIn(node(), '/usr/share/pacemaker', '*.rng');
      });

      it('read completely each CIB of any generation', () => {
        const schemas = [...files.keys()].filter((file) => /^pacemaker(-[\w.]+)?\.rng$/.test(file));
        expect(schemas).to.include.members(['pacemaker-1.0.rng', 'pacemaker-3.5.rng']);
        fc.assert(
          fc.property(anyOf(schemas, relaxNg(files)), ({ document }) => {
            expectWholeCib(document);
          }),
          { numRuns: 20 * schemas.length },
        );
      });

      it('read completely each output of crm_mon of any generation', () => {
        // These schemas define only the content of the root.
        const contents = [...files.keys()].filter((file) => /^api\/crm_mon-/.test(file));
        expect(contents).to.include.members(['api/crm_mon-2.0.rng', 'api/crm_mon-2.3.rng']);
        const roots = contents.map(
          (file) => [file.replace('api/', 'root-of-'), rootWith(file)] as const,
        );
        const all = new Map([...files, ...roots]);
        const schemas = ['crm_mon.rng', ...roots.map(([file]) => file)];
        // The schemas allow lists in lists without limit.
        fc.assert(
          fc.property(anyOf(schemas, relaxNg(all, 6)), ({ document }) => {
            expectWholeState(document);
          }),
          { numRuns: 8 * schemas.length },
        );
      });
    });

    // Debian ships them since trixie. They are of all generations.
    if (suite === 'trixie') {
      describe("with the CIBs of Pacemaker's own tests", () => {
        const folder = '/usr/share/pacemaker/tests';
        let cibs: Files = new Map();

        before(async () => {
          const files = await filesIn(node(), folder, '*.xml');
          cibs = new Map([...files].filter(([, text]) => text.includes('<cib ')));
        });

        it('read each CIB completely', () => {
          expect(cibs).to.have.property('size').above(800);
          for (const [file, xml] of cibs) {
            naming(file, () => {
              expectWholeCib(parseXml(xml), xml);
            });
          }
        });

        it('read the output of crm_mon for them completely', async () => {
          const files = [...cibs.keys()].filter((_file, index) => index % 40 === 0);
          for (const file of files) {
            const argv = ['env', `CIB_file=${folder}/${file}`, 'crm_mon', '--as-xml'] as const;
            const xml = await node().run(argv);
            naming(file, () => {
              expectWholeState(parseXml(xml));
            });
          }
        });
      });
    }
  });
}

/** A document of any of these schemas, with the name of the schema. */
function anyOf(
  schemas: readonly string[],
  documentsOf: (schema: string) => fc.Arbitrary<XmlElement>,
): fc.Arbitrary<{ schema: string; document: XmlElement }> {
  return fc.oneof(
    ...schemas.map((schema) =>
      fc.record({ schema: fc.constant(schema), document: documentsOf(schema) }),
    ),
  );
}

/** Runs a check. If it fails, the error names its subject. */
function naming(what: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    throw new Error(what, { cause });
  }
}

/** The schema of a root element as `--as-xml` and `--output-as=xml` print it. */
function rootWith(content: string): string {
  const version = '<attribute name="version"><text/></attribute>';
  const inside = `${version}<externalRef href="${content}"/>`;
  const outcome = '<externalRef href="api/status-2.0.rng"/>';
  return `<choice><element name="crm_mon">${inside}</element><element name="pacemaker-result">${inside}${outcome}</element></choice>`;
}

/** The files in a folder of the node and below it whose name matches: text by path. */
async function filesIn(node: LabNode, folder: string, name: string): Promise<Files> {
  const script =
    'import json, pathlib, sys\n' +
    'root = pathlib.Path(sys.argv[1])\n' +
    'print(json.dumps({str(path.relative_to(root)): path.read_text() for path in root.rglob(sys.argv[2])}))';
  const text = await node.run(['python3', '-c', script, folder, name], { deadlineMs: 60_000 });
  return new Map(Object.entries(JSON.parse(text) as Record<string, string>));
}
