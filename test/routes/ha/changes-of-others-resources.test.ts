import { readFile, writeFile } from 'node:fs/promises';

import { expect } from 'chai';

import {
  changesBench,
  everythingCib,
  nodes,
  outcomeOf,
  remoteNodesCib,
  storageCib,
} from '../../support/changes-bench.ts';
import { type FakeCluster, fakeCluster, success } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { nodesLeftWithout } from '../../../src/cluster/fencing.ts';
import { parseCib } from '../../../src/parsers/cib/cib.ts';
import { withoutStatus, withoutTransient, withStatusOf } from '../../../src/parsers/cib/text.ts';

// test/system/others-resources.ts shows that the cluster agrees.

const { local, other } = nodes;
const dummy = 'class="ocf" provider="pacemaker" type="Dummy"';
const withResources = (xml: string): string =>
  storageCib.replace('</resources>', `${xml}</resources>`);
const pair = (id: string, name: string, value: string): string =>
  `<nvpair id="${id}" name="${name}" value="${value}"/>`;
const detail = ({ body }: { body: unknown }) => (body as { detail: string }).detail;
const warningsOf = ({ headers }: { headers: Record<string, string> }) =>
  headers['x-ha-warnings'] ?? '';

describe('changes of resources that others configured', () => {
  const folder = temporaryFolder();
  let benches = 0;
  const bench = (cluster: FakeCluster | string) =>
    changesBench(`${folder.path}/${(benches += 1)}`, {
      cluster: typeof cluster === 'string' ? fakeCluster(cluster) : cluster,
    });

  describe('with references', () => {
    for (const [name, body] of [
      ['Refers', { params: { fake: 'x' } }],
      ['Refers', { params: { fake: '' } }],
      ['Refers', { meta: { priority: '9' } }],
      ['Refers', { operations: { interval: '5s' } }],
    ] as const) {
      it(`are refused for what a reference supplies: ${name} ${JSON.stringify(body)}`, async () => {
        const { call, cluster } = await bench(everythingCib);
        for (const query of ['', '?dry_run=true']) {
          const answer = await call('POST', `resource/${name}/update${query}`, body);
          expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
          expect(detail(answer)).to.match(
            /by reference \(id-ref\) to \S+ of (Plain|Sets): a change/,
          );
        }
        expect(cluster.changes()).to.deep.equal([]);
      });
    }

    it('are refused if the attributes of a node are a reference', async () => {
      const { call } = await bench(
        storageCib.replace(
          /<node id="(\d)" uname="ae82a9a2"\/>/,
          `<node id="$1" uname="ae82a9a2"><instance_attributes id-ref="shared"/></node><node id="9" uname="third"><instance_attributes id="shared">${pair('shared-standby', 'standby', 'off')}</instance_attributes></node>`,
        ),
      );
      const answer = await call('GET', `node/${other}/standby`);
      expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
      expect(detail(answer)).to.include('a change would change third too');
    });

    it('are made next to a reference', async () => {
      const { call, cluster } = await bench(everythingCib);
      const body = { params: { op_sleep: '1' } };
      const answer = await call('POST', 'resource/Refers/update', body);
      expect([answer.status, warningsOf(answer)]).to.deep.equal([200, '']);
      expect(cluster.cibChanges()).to.have.lengthOf(2);
    });

    it('warn of other resources that they also change', async () => {
      const { call } = await bench(everythingCib);
      const fake = await call('POST', 'resource/Plain/update', { params: { fake: 'new' } });
      expect(warningsOf(fake)).to.include('Refers refers to a changed part');
      const state = await call('POST', 'resource/Plain/update', { params: { state: '/run/p' } });
      expect(warningsOf(state)).to.equal('');
    });

    it('are refused if they would remove what others refer to', async () => {
      const { call, cluster } = await bench(everythingCib);
      const answer = await call('POST', 'resource/Plain/update', { params: { fake: '' } });
      expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
      expect(detail(answer)).to.include('Refers refers to Plain-params-fake, which would be gone.');
      expect(cluster.cibs).to.have.lengthOf(1);
    });
  });

  describe('whose set is a reference, after which Pacemaker 2.0 reads no other set', () => {
    const byReference = '<meta_attributes id-ref="O-meta"/>';
    const role = pair('R-role', 'target-role', 'Started');
    for (const [what, sets] of [
      ['without a set of their own', byReference],
      [
        'with a later set that has the pair',
        `${byReference}<meta_attributes id="R-m">${role}</meta_attributes>`,
      ],
    ] as const) {
      it(`put a pair before the reference, once: ${what}`, async () => {
        const { call, cluster } = await bench(
          withResources(
            `<primitive id="O" ${dummy}><meta_attributes id="O-meta">${pair('O-p', 'priority', '7')}</meta_attributes></primitive><primitive id="R" ${dummy}>${sets}</primitive>`,
          ),
        );
        const answer = await call('GET', 'resource/R/stop');
        expect(answer.status, answer.text).to.equal(200);
        expect(cluster.xml()).to.match(
          /<primitive id="R"[^>]*><meta_attributes id="[^"]+"><nvpair id="[^"]+" name="target-role" value="Stopped"\/><\/meta_attributes><meta_attributes id-ref="O-meta"\/>/,
        );
        expect(cluster.xml().match(/name="target-role"/g)).to.have.lengthOf(1);
      });
    }
  });

  describe('with several operations of one name', () => {
    const op = (id: string, more: string) => `<op id="${id}" name="monitor" ${more}/>`;
    const three = withResources(
      `<primitive id="M" ${dummy}><operations>${op('a', 'interval="10s"')}${op('b', 'interval="20s"')}${op('c', 'interval="30s" role="Stopped"')}</operations></primitive>`,
    );
    const after = async (monitor: object | readonly object[]) => {
      const { call, cluster } = await bench(three);
      const answer = await call('POST', 'resource/M/update', { operations: { monitor } });
      const [, operations = ''] =
        /<primitive id="M".*?<operations>(.*?)<\/operations>/s.exec(cluster.xml()) ?? [];
      const said = [...operations.matchAll(/<op [^>]*interval="(\w+)"(?:[^>]*timeout="(\w+)")?/g)];
      const monitors = said.map(([, interval, timeout]) => [interval, timeout].join(' ').trim());
      return answer.status === 200 ? monitors : outcomeOf(answer);
    };

    it('replace as many operations, those of the same interval first', async () => {
      expect(await after([{ interval: '40s' }, { interval: '50s' }])).to.deep.equal([
        '40s',
        '50s',
        '30s',
      ]);
      expect(await after([{ interval: '20s', timeout: '5s' }, { interval: '50s' }])).to.deep.equal([
        '50s',
        '20s 5s',
        '30s',
      ]);
      expect(await after([{ interval: '20' }, { interval: '10', timeout: '6s' }])).to.deep.equal([
        '10 6s',
        '20',
        '30s',
      ]);
      expect(await after({ interval: '20s', timeout: '7s' })).to.deep.equal([
        '10s',
        '20s 7s',
        '30s',
      ]);
    });

    it('add the operations that are more than before', async () => {
      const more = [{ interval: '1s' }, { interval: '2s' }, { interval: '3s' }];
      expect(await after(more)).to.deep.equal(['1s', '2s', '30s', '3s']);
    });

    it('are refused if two operations have one interval, or if another role has it', async () => {
      for (const twice of [
        [{ interval: '60s' }, { interval: '1min' }],
        [{ interval: '40s' }, { interval: '30s' }],
      ]) {
        expect(await after(twice)).to.deep.equal([422, 'cluster_refused']);
      }
    });
  });

  describe('with a template', () => {
    const template = withResources(
      `<template id="T" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="T-params">${pair('T-ip', 'ip', '192.0.2.7')}</instance_attributes><meta_attributes id="T-meta">${pair('T-role', 'target-role', 'stopped')}${pair('T-managed', 'is-managed', 'off')}</meta_attributes></template><primitive id="P" template="T"><instance_attributes id="P-params">${pair('P-ip', 'ip', '192.0.2.8')}</instance_attributes></primitive>`,
    );

    it('need no parameter that the template gives', async () => {
      const { call } = await bench(template);
      const update = (params: object) => call('POST', 'resource/P/update', { params });
      expect((await update({ ip: '' })).status).to.equal(200);
      expect(outcomeOf(await update({ nonsense: '1' }))).to.deep.equal([422, 'cluster_refused']);
    });

    it('need a parameter that the template does not give', async () => {
      const { call } = await bench(template.replace(pair('T-ip', 'ip', '192.0.2.7'), ''));
      const answer = await call('POST', 'resource/P/update', { params: { ip: '' } });
      expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
    });

    it('recognize fence devices and the nodes that they fence', () => {
      const devices = (params: string) =>
        parseCib(
          withoutStatus(
            storageCib.replace(
              /<primitive [^>]*class="stonith".*<\/primitive>/s,
              `<template id="F" class="stonith" type="fence_lab">${params}</template><primitive id="f" template="F"/>`,
            ),
          ),
        );
      const list = (node: string) =>
        `<instance_attributes id="F-params">${pair('F-list', 'pcmk_host_list', node)}</instance_attributes>`;
      expect(nodesLeftWithout(devices(''), 'f')).to.have.members([local, other]);
      expect(nodesLeftWithout(devices(list(other)), 'f')).to.deep.equal([other]);
    });
  });

  describe('that have no effect', () => {
    const state = (attributes: string, node = '') =>
      success(
        `<crm_mon version="2"><nodes><node name="${local}" maintenance="${node}"/></nodes><resources><resource id="SMB" ${attributes}><node name="${local}"/></resource></resources></crm_mon>`,
      );
    const defaults = (name: string, value: string) =>
      storageCib.replace(
        '</configuration>',
        `<rsc_defaults><meta_attributes id="d">${pair('d-1', name, value)}</meta_attributes></rsc_defaults></configuration>`,
      );
    const asked = async (cib: string, crmMon: ReturnType<typeof success>, action: string) => {
      const cluster = fakeCluster(cib);
      cluster.answers.set('crm_mon', () => crmMon);
      const { call } = await bench(cluster);
      const answer = await call('POST', `resource/SMB/${action}`);
      expect(answer.status).to.equal(200);
      return warningsOf(answer);
    };

    const idle = (attributes: string) =>
      success(
        `<crm_mon version="2"><resources><resource id="SMB" ${attributes}/></resources></crm_mon>`,
      );

    it('warn after a start, with the reason', async () => {
      const stopped = idle('role="Stopped" target_role="Stopped"');
      const why = await asked(defaults('target-role', 'Stopped'), stopped, 'start');
      expect(why).to.equal(
        '199 ha-agent "SMB is not running, and will not be: its target-role is Stopped, because of target-role in rsc_defaults."',
      );
      const template = storageCib
        .replace(
          '<primitive id="SMB" class="ocf" provider="pacemaker" type="Dummy"',
          '<primitive id="SMB" template="T"',
        )
        .replace(
          '<resources>',
          `<resources><template id="T" ${dummy}><meta_attributes id="T-m">${pair('T-r', 'target-role', 'stopped')}</meta_attributes></template>`,
        );
      expect(await asked(template, stopped, 'start')).to.include('target-role in the template T');
      const unmanaged = await asked(defaults('is-managed', 'no'), idle('managed="false"'), 'start');
      expect(unmanaged).to.equal(
        '199 ha-agent "SMB is not running, and will not be: the cluster does not manage it, because of is-managed in rsc_defaults."',
      );
    });

    it('warn after a start that removed what kept the resource running', async () => {
      const running = state('role="Started" target_role="Stopped"');
      expect(await asked(defaults('target-role', 'Stopped'), running, 'start')).to.equal(
        '199 ha-agent "SMB will be stopped: its target-role is Stopped, because of target-role in rsc_defaults."',
      );
    });

    it('answer 202 with each reason once if the caller waits', async () => {
      for (const [name, value, attributes, why] of [
        ['target-role', 'Stopped', 'target_role="Stopped"', 'its target-role is Stopped'],
        ['is-managed', 'no', 'managed="false"', 'the cluster does not manage it'],
      ] as const) {
        const cluster = fakeCluster(defaults(name, value));
        cluster.answers.set('crm_mon', () => idle(attributes));
        const { call } = await bench(cluster);
        const answer = await call('POST', 'resource/SMB/start?wait=30s');
        expect([answer.status, answer.body]).to.deep.equal([202, { name: 'SMB' }]);
        expect(warningsOf(answer)).to.equal(
          `199 ha-agent "SMB is not running: ${why}, because of ${name} in rsc_defaults."`,
        );
      }
    });

    it('name the place of the setting in a refused migrate and after a restart', async () => {
      const cluster = fakeCluster(defaults('is-managed', 'no'));
      cluster.answers.set('crm_mon', () => idle('managed="false"'));
      const { call } = await bench(cluster);
      const why = 'the cluster does not manage it, because of is-managed in rsc_defaults.';
      const migrated = await call('POST', 'resource/SMB/migrate', { node: other });
      expect(outcomeOf(migrated)).to.deep.equal([409, 'would_not_move']);
      expect(detail(migrated)).to.include(why);
      const restarted = await call('POST', 'resource/SMB/restart');
      expect(restarted.status).to.equal(202);
      expect(warningsOf(restarted)).to.equal(`199 ha-agent "SMB is not running: ${why}"`);
    });

    it('do not warn of what an update has just removed', async () => {
      const unmanaged = storageCib.replace(
        /(<primitive id="SMB"[^>]*)\/>/,
        `$1><meta_attributes id="m">${pair('m-1', 'is-managed', 'false')}</meta_attributes></primitive>`,
      );
      const cluster = fakeCluster(unmanaged);
      cluster.answers.set('crm_mon', () => idle('managed="false"'));
      const { call } = await bench(cluster);
      const update = (value: string) =>
        call('POST', 'resource/SMB/update', { meta: { 'is-managed': value } });
      expect(warningsOf(await update('false'))).to.include('is-managed in the primitive SMB');
      expect(warningsOf(await update('true'))).to.equal('');
    });

    it('warn after a stop, with the reason', async () => {
      const unmanaged = state('role="Started" managed="false"', 'true');
      const byNode = storageCib.replace(
        /<node id="(\d)" uname="5e7638bc"\/>/,
        `<node id="$1" uname="5e7638bc"><instance_attributes id="n">${pair('n-m', 'maintenance', 'true')}</instance_attributes></node>`,
      );
      expect(await asked(byNode, unmanaged, 'stop')).to.include(
        `The cluster does not manage SMB, because of maintenance of the node ${local}, so it does not stop it.`,
      );
      expect(await asked(byNode, state('role="Started" managed="true"'), 'stop')).to.equal('');
    });

    it('are made if the cluster does not say whether it manages the resource', async () => {
      for (const action of ['stop', 'manage']) {
        const cluster = fakeCluster(defaults('is-managed', 'false'));
        cluster.answers.set('crm_mon', () => ({ exitCode: 1, stdout: '', stderr: 'no' }));
        const { call } = await bench(cluster);
        const answer = await call('POST', `resource/SMB/${action}`);
        expect([answer.status, answer.body]).to.deep.equal([200, { name: 'SMB' }]);
        expect(warningsOf(answer)).to.include('Whether the cluster manages SMB could not be read');
      }
    });

    it('warn after a manage of a resource that a failure blocks', async () => {
      const blocked = state('role="Started" managed="false" blocked="true" failed="true"');
      expect(await asked(storageCib, blocked, 'manage')).to.include(
        'does not manage SMB, because of a failed operation that blocks it until it is cleaned up.',
      );
    });

    it('do not warn if the cluster starts or manages the resource all the same', async () => {
      const started = state('role="Started" target_role="Started" managed="true"');
      expect(await asked(defaults('target-role', 'Stopped'), started, 'start')).to.equal('');
      expect(await asked(defaults('is-managed', 'false'), started, 'manage')).to.equal('');
    });

    it('warn after a manage, with the reason', async () => {
      const unmanaged = state('role="Started" managed="false"', 'true');
      const why = await asked(defaults('is-managed', '0'), unmanaged, 'manage');
      expect(why).to.include('The cluster still does not manage SMB');
      expect(why).to.include('is-managed in rsc_defaults');
      expect(why).to.include(`maintenance of the node ${local}`);
      const property = storageCib.replace(
        '<cluster_property_set id="cib-bootstrap-options">',
        `$&${pair('mm', 'maintenance-mode', 'true')}`,
      );
      expect(await asked(property, unmanaged, 'manage')).to.include(
        'the property maintenance-mode',
      );
    });
  });

  describe('on guest nodes', () => {
    const box = (container: string, inside = `<primitive id="InBox" ${dummy}/>`) =>
      remoteNodesCib.replace(
        '</resources>',
        `<bundle id="Box">${container}${inside}</bundle></resources>`,
      );

    it('are made on each replica of a bundle with a resource in it', async () => {
      for (const [cib, known, unknown] of [
        [
          box('<podman image="x" replicas="2"/>'),
          ['Box-0', 'Box-1', 'guest1', 'remote1'],
          ['Box-2', 'Box', 'VM'],
        ],
        [box('<docker image="x" promoted-max="3"/>'), ['Box-2'], ['Box-3']],
        [box('<rkt image="x" masters="2"/>'), ['Box-1'], ['Box-2']],
        [box('<podman image="x"/>'), ['Box-0'], ['Box-1']],
        [box('<podman image="x"/>', ''), [], ['Box-0']],
      ] as const) {
        const { call, cluster } = await bench(cib);
        for (const name of known) {
          const answer = await call('GET', `node/${name}/standby`);
          expect(answer.status, name).to.equal(200);
          expect(cluster.xml()).to.include(`<node id="${name}" type="remote" uname="${name}">`);
        }
        for (const name of unknown) {
          const answer = await call('GET', `node/${name}/standby`);
          expect(outcomeOf(answer), name).to.deep.equal([404, 'node_not_found']);
        }
      }
    });

    it('do not delete such a node, but name its resource', async () => {
      for (const [name, maker] of [
        ['Box-0', 'Box'],
        ['guest1', 'VM'],
      ] as const) {
        const { call, cluster } = await bench(box('<podman image="x"/>'));
        const answer = await call('DELETE', `node/${name}`);
        expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
        expect(detail(answer)).to.include(`The resource ${maker} creates the node`);
        expect(cluster.changes()).to.deep.equal([]);
      }
    });

    it('remove the constraints of those nodes when the bundle is deleted', async () => {
      const { call, cluster } = await bench(box('<podman image="x"/>'));
      await call('POST', 'constraint/location', { resource: 'SMB', location: 'Box-0' });
      expect(cluster.xml()).to.include('node="Box-0"');
      expect((await call('DELETE', 'resource/Box')).status).to.equal(200);
      expect(cluster.xml()).not.to.include('node="Box-0"');
    });
  });

  describe('on a node with a transient attribute', () => {
    /** A cluster in which the other node is in standby until it leaves the cluster. */
    function transient(fails = false): FakeCluster & { isSet: () => boolean } {
      const whole = storageCib.replace(
        /(<node_state [^>]*uname="ae82a9a2"[^>]*>)/,
        `$1<transient_attributes id="1"><instance_attributes id="s">${pair('s-1', 'standby', 'on')}${pair('s-2', 'pingd', '1')}</instance_attributes></transient_attributes>`,
      );
      const cluster = fakeCluster(whole);
      let isSet = true;
      cluster.answers.set('cibadmin', ({ argv, env }) => {
        if (isSet || argv.join(' ') !== 'cibadmin --query' || env) return undefined;
        const ended = whole.replace(pair('s-1', 'standby', 'on'), '');
        return success(withStatusOf(withoutStatus(cluster.xml()), ended));
      });
      cluster.answers.set('crm_attribute', ({ argv }) => {
        if (fails) return { exitCode: 1, stdout: '', stderr: 'no' };
        expect(argv.slice(1)).to.deep.equal([
          `--node=${other}`,
          '--name=standby',
          '--lifetime=reboot',
          '--delete',
        ]);
        isSet = false;
        return success('');
      });
      return { ...cluster, isSet: () => isSet };
    }

    for (const action of ['online', 'standby']) {
      it(`end the attribute: ${action}`, async () => {
        const cluster = transient();
        const { call } = await bench(cluster);
        expect((await call('GET', `node/${other}/${action}`)).status).to.equal(200);
        expect(cluster.isSet()).to.equal(false);
      });
    }

    it('change nothing if the attribute cannot be ended', async () => {
      for (const action of ['online', 'standby']) {
        const cluster = transient(true);
        const { call } = await bench(cluster);
        const answer = await call('GET', `node/${other}/${action}`);
        expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
        expect(cluster.cibChanges()).to.deep.equal([]);
      }
    });

    it('are dry runs without the attribute', async () => {
      const cluster = transient();
      let tried = '';
      cluster.answers.set('crm_simulate', async ({ argv }) => {
        tried = await readFile(argv.at(-3) ?? '', 'utf8');
        await writeFile(argv.at(-1) ?? '', tried);
        return success('Transition Summary:\n');
      });
      const { call } = await bench(cluster);
      expect((await call('GET', `node/${other}/online?dry_run=true`)).status).to.equal(200);
      expect(tried).to.include('name="pingd"').and.not.include('id="s-1"');
      expect(cluster.isSet()).to.equal(true);
    });

    it('end it on that node only', () => {
      const state = (node: string) =>
        `<node_state id="${node}" uname="${node}"><transient_attributes>${pair('p', 'standby', 'on')}</transient_attributes></node_state>`;
      const whole = `<cib><configuration/><status><node_state uname="c"/>${state('a')}${state('b')}</status></cib>`;
      const left = withoutTransient(whole, { node: 'a', name: 'standby' });
      expect(left.match(/<nvpair/g)).to.have.lengthOf(1);
      expect(withoutTransient(whole, { node: 'c', name: 'standby' })).to.equal(whole);
      for (const [node, written] of [
        ["it's", "it's"],
        ["it's", 'it&apos;s'],
        ['kn\u00f6ten', 'kn\u00f6ten'],
        ['a&"b', 'a&amp;&quot;b'],
      ] as const) {
        const named = whole.replace('uname="a"', `uname="${written}"`);
        expect(withoutTransient(named, { node, name: 'standby' }), written).not.to.equal(named);
      }
    });
  });
});
