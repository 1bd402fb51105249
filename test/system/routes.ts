import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { call, callHa } from './client.ts';

/** The documented calls of a client of the contract. */
export function describeRoutes(bench: () => { lab: Lab; token: string }): void {
  describe('the documented routes', () => {
    const node = () => bench().lab.nodes[0] as LabNode;
    const ha = (path: string, options: { method?: string; body?: string } = {}) =>
      callHa(node(), path, { token: bench().token, ...options });

    it('show the versions as the tools print them', async () => {
      const { status, json } = await ha('versions');
      expect(status).to.equal(200);
      expect(json).to.deep.equal({
        pacemaker: await node().run(['crm_mon', '--version']),
        corosync: await node().run(['corosync', '-v']),
        pcs: await node().run(['pcs', '--version']),
      });
      expect(Object.keys(json as object)).to.deep.equal(['pacemaker', 'corosync', 'pcs']);
    });

    it('show the services of the stack', async () => {
      expect((await ha('services')).json).to.deep.equal({
        services: ['pacemaker.service', 'pcsd.service', 'corosync.service'].map((id) => ({
          id,
          state: 'online',
          locked: false,
        })),
      });
    });

    it('show a service that is stopped, disabled, masked and failed', async () => {
      const pcsd = async () => {
        const { services } = (await ha('services')).json as {
          services: { id: string; state: string; locked: boolean }[];
        };
        const { state, locked } = services.find(({ id }) => id === 'pcsd.service') ?? {};
        return [state, locked];
      };
      await node().run(['systemctl', 'stop', 'pcsd'], { deadlineMs: 100_000 });
      // pcsd 0.11 sometimes ignores SIGTERM. systemd then kills it after 90 s, and its state is failed.
      await node().run(['systemctl', 'reset-failed', 'pcsd']);
      expect(await pcsd()).to.deep.equal(['offline', false]);
      await node().run(['systemctl', 'disable', 'pcsd']);
      expect(await pcsd()).to.deep.equal(['disabled', false]);
      await node().run(['systemctl', 'mask', 'pcsd']);
      expect(await pcsd()).to.deep.equal(['disabled', true]);
      await node().run(['systemctl', 'unmask', 'pcsd']);
      await node().run(['systemctl', 'enable', '--now', 'pcsd'], { deadlineMs: 100_000 });
      await node().run(['systemctl', 'kill', '--signal=SEGV', 'pcsd']);
      await waitUntil('a dead pcsd', async () => (await pcsd())[0] === 'failed');
      await node().run(['systemctl', 'start', 'pcsd'], { deadlineMs: 100_000 });
      expect(await pcsd()).to.deep.equal(['online', false]);
    });

    it('have the documented headers, also on errors', async () => {
      for (const path of ['services', 'nothing-here']) {
        const { headers } = await ha(path);
        expect(headers).to.include({
          'x-powered-by': 'OpenDrives',
          'access-control-allow-origin': '*',
        });
        expect(headers).not.to.have.property('strict-transport-security');
      }
      expect((await ha('services')).headers['content-type']).to.equal(
        'application/json; charset=utf-8',
      );
      expect((await ha('nothing-here')).headers['content-type']).to.equal(
        'application/problem+json; charset=utf-8',
      );
    });

    it('answer the preflight of a browser', async () => {
      const { status, headers } = await call(node(), '/api/v2/system/ha/status', {
        method: 'OPTIONS',
        headers: {
          Origin: 'https://ui.example',
          'Access-Control-Request-Method': 'GET',
          'Access-Control-Request-Headers': 'token',
        },
      });
      expect(status).to.equal(204);
      expect(headers['access-control-allow-headers']).to.match(/\btoken\b/);
    });
  });
}
