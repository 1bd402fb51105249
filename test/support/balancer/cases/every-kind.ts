import { randomUUID } from 'node:crypto';

import { expect } from 'chai';

import {
  type Cases,
  done,
  immutable,
  keepBusy,
  type Kind,
  listed,
  listenerOf,
  poolOf,
  refused,
  shown,
  type World,
} from './world.ts';

/** Cases that each kind of object below a load balancer has, if its file has one of that name. */
export function casesOf(kind: Kind): Cases {
  const { file, noun, said, above, good, change, bad, badSentence, badChange } = kind;
  const at = (path: string, id: string) => (kind.isSingle ? path : `${path}/${id}`);
  const make = async (world: World) => {
    const path = await above(world);
    const { body } = await done(world, 'post', path, good());
    return { path, one: at(path, body.id), body };
  };
  const pending =
    (how: 'PENDING_UPDATE' | 'PENDING_DELETE', what: 'post' | 'put' | 'delete') =>
    async (world: World) => {
      const path = await above(world);
      const one =
        what === 'post' ? path : at(path, (await done(world, 'post', path, good())).body.id);
      await keepBusy(world, how);
      const body = { post: good(), put: change, delete: undefined }[what];
      await refused(world, [what, one, ...(body ? [body] : [])] as never, 409, immutable(world));
    };
  const verbs = { create: 'post', update: 'put', delete: 'delete' } as const;
  const busy = Object.fromEntries(
    (['update', 'delete'] as const).flatMap((state) =>
      Object.entries(verbs).flatMap(([verb, method]) => {
        const names = [`${verb}_when_lb_pending_${state}`, `${verb}_pending_${state}`];
        return names.map((name) => [
          `${file} ${name}`,
          [
            `a ${noun} is not to be ${verb}d while its load balancer is being ${state}d`,
            pending(state === 'update' ? 'PENDING_UPDATE' : 'PENDING_DELETE', method),
          ],
        ]);
      }),
    ),
  ) as unknown as Cases;
  const failing = (verb: keyof typeof verbs) => async (world: World) => {
    const { path, one, body } =
      verb === 'create'
        ? { path: await above(world), one: '', body: { id: '' } }
        : await make(world);
    world.host.deployer.hold();
    const answer = await world.bench.ask(
      verbs[verb],
      verb === 'create' ? path : one,
      { create: good(), update: change, delete: undefined }[verb],
    );
    expect(answer.status, answer.text).to.equal(202);
    await world.host.fail(world.lb);
    // All above it is as it was; the object has the error.
    expect(await shown(world, world.base)).to.include({ provisioning_status: 'ACTIVE' });
    const now = await world.bench.ask('get', verb === 'create' ? at(path, answer.body.id) : one);
    expect(now.status).to.equal(200);
    if (verb === 'update') expect(now.body).to.include({ ...(body.id && { id: body.id }) });
  };
  return {
    ...busy,
    [`${file} create`]: [
      `a ${noun} that is made is PENDING, and then as it was sent`,
      async (world) => {
        const path = await above(world);
        world.host.deployer.hold();
        const made = await world.bench.ask('post', path, good());
        expect(made.status, made.text).to.equal(202);
        expect(await shown(world, world.base)).to.include({
          provisioning_status: 'PENDING_UPDATE',
        });
        await world.host.finish(world.lb);
        expect(await shown(world, world.base)).to.include({ provisioning_status: 'ACTIVE' });
        expect(await shown(world, at(path, made.body.id))).to.deep.include(good());
      },
    ],
    [`${file} get`]: [
      `a ${noun} can be read by its id`,
      async (world) => {
        const { one } = await make(world);
        expect(await shown(world, one)).to.deep.include(good());
      },
    ],
    [`${file} empty_get_all`]: [
      `a list of ${noun}s without any is empty`,
      async (world) => {
        expect(await listed(world, await above(world))).to.deep.equal([]);
      },
    ],
    [`${file} get_all`]: [
      `a list of ${noun}s has each of them`,
      async (world) => {
        const { path, body } = await make(world);
        expect((await listed(world, path)).map(({ id }) => id)).to.deep.equal([body.id]);
      },
    ],
    [`${file} update`]: [
      `a change of a ${noun} shows it as it was, and afterwards as it was sent`,
      async (world) => {
        const { one, body } = await make(world);
        world.host.deployer.hold();
        const changed = await world.bench.ask('put', one, change);
        expect(changed.status, changed.text).to.equal(202);
        for (const key of Object.keys(change)) expect(changed.body[key]).to.deep.equal(body[key]);
        await world.host.finish(world.lb);
        expect(await shown(world, one)).to.deep.include(change);
      },
    ],
    [`${file} delete`]: [
      `a ${noun} that is removed is gone once the job is done`,
      async (world) => {
        const { one } = await make(world);
        const answer = await done(world, 'delete', one);
        expect(answer.text).to.equal('');
        expect((await world.bench.ask('get', one)).status).to.equal(404);
        expect(await shown(world, world.base)).to.include({ provisioning_status: 'ACTIVE' });
      },
    ],
    [`${file} bad_create`]: [
      `a ${noun} that is not as documented is not made`,
      async (world) => {
        await refused(world, ['post', await above(world), bad], 400, badSentence);
      },
    ],
    [`${file} bad_update`]: [
      `a ${noun} is not changed to what is not documented`,
      async (world) => {
        const { one, body } = await make(world);
        await refused(world, ['put', one, badChange], 400, kind.badChangeSentence);
        const still = Object.keys(good()).map((key) => [
          key,
          (body as Record<string, unknown>)[key],
        ]);
        expect(await shown(world, one)).to.deep.include(Object.fromEntries(still));
      },
    ],
    ...Object.fromEntries(
      (['get', 'delete'] as const).map((method) => [
        `${file} bad_${method}`,
        [
          `a ${noun} that does not exist is not found by ${method}`,
          async (world: World) => {
            const id = randomUUID();
            const path = await above(world);
            const named = kind.isSingle ? path.split('/').at(-2) : id;
            await refused(world, [method, at(path, id)], 404, `${said} ${named} not found.`);
          },
        ],
      ]),
    ),
    [`${file} create_with_id`]: [
      `a ${noun} has the id that was sent`,
      async (world) => {
        const id = randomUUID();
        const { body } = await done(world, 'post', await above(world), { ...good(), id });
        expect(body.id).to.equal(id);
      },
    ],
    [`${file} create_with_duplicate_id`]: [
      `an id that a ${noun} has is not given to another`,
      async (world) => {
        const { path, body } = await make(world);
        await refused(
          world,
          ['post', path, { ...good(), ...change, id: body.id, ...kind.other?.() }],
          409,
          'Already an entity with that specified id.',
        );
      },
    ],
    [`${file} create_with_project_id`]: [
      `a ${noun} says whose it is`,
      async (world) => {
        const { body } = await done(world, 'post', await above(world), {
          ...good(),
          project_id: world.project,
        });
        expect(body).to.include({ project_id: world.project, tenant_id: world.project });
      },
    ],
    [`${file} create_over_quota`]: [
      `a ${noun} above the quota is not made`,
      async (world) => {
        const path = await above(world);
        const quota = said.toLowerCase().replace(' ', '_');
        expect(
          (await world.bench.ask('put', `/quotas/${world.project}`, { quota: { [quota]: 0 } }))
            .status,
        ).to.equal(202);
        await refused(
          world,
          ['post', path, good()],
          403,
          `Quota has been met for resources: ${said}`,
        );
      },
    ],
    ...Object.fromEntries(
      Object.keys(verbs).map((verb) => [
        `${file} ${verb}_with_bad_handler`,
        [
          `a ${noun} whose ${verb} all nodes refuse leaves its load balancer ACTIVE`,
          failing(verb as keyof typeof verbs),
        ],
      ]),
    ),
  };
}

export const kinds: readonly Kind[] = [
  {
    file: 'listener',
    noun: 'listener',
    said: 'Listener',
    above: (world) => Promise.resolve(`${world.base}/listeners`),
    good: () => ({ protocol: 'HTTP', protocol_port: 80, name: 'listener', connection_limit: 10 }),
    change: { name: 'other', connection_limit: 20 },
    bad: {},
    badSentence: /attribute protocol\. /,
    badChange: { protocol: 'SEAN' },
    badChangeSentence: /one of/,
  },
  {
    file: 'pool',
    noun: 'pool',
    said: 'Pool',
    above: (world) => Promise.resolve(`${world.base}/pools`),
    good: () => ({ protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', name: 'pool' }),
    change: { name: 'other', lb_algorithm: 'SOURCE_IP' },
    bad: { name: 'a' },
    badSentence: /attribute protocol\. /,
    badChange: { enabled: 'one' },
    badChangeSentence: /Value not an unambiguous boolean: one$/,
  },
  {
    file: 'member',
    noun: 'member',
    said: 'Member',
    above: async (world) => `${world.base}/pools/${await poolOf(world)}/members`,
    good: () => ({ ip_address: '10.0.0.1', protocol_port: 80, weight: 5 }),
    change: { weight: 7 },
    other: () => ({ ip_address: '10.0.0.2' }),
    bad: { name: 'a' },
    badSentence: /^Unknown attribute for argument member: name$/,
    badChange: { protocol_port: 'ten' },
    badChangeSentence: /invalid literal for int\(\) with base 10: 'ten'$/,
  },
  {
    file: 'health_monitor',
    noun: 'health monitor',
    said: 'Health Monitor',
    isSingle: true,
    above: async (world) => `${world.base}/pools/${await poolOf(world)}/healthmonitor`,
    good: () => ({ type: 'HTTP', delay: 2, timeout: 1, fall_threshold: 1, rise_threshold: 1 }),
    change: { delay: 3 },
    bad: { name: 'a' },
    badSentence: /^Unknown attribute for argument health_monitor: name$/,
    badChange: { type: 'X' },
    badChangeSentence: /one of/,
  },
  {
    file: 'l7policy',
    noun: 'policy',
    said: 'L7 Policy',
    above: async (world) => `${world.base}/listeners/${await listenerOf(world)}/l7policies`,
    good: () => ({ action: 'REJECT', name: 'policy' }),
    change: { name: 'other' },
    bad: { name: 'a' },
    badSentence: /attribute action\. /,
    badChange: { action: 'bad action' },
    badChangeSentence: /one of/,
  },
  {
    file: 'l7rule',
    noun: 'rule',
    said: 'L7 Rule',
    above: async (world) => {
      const path = `${world.base}/listeners/${await listenerOf(world)}/l7policies`;
      const { body } = await done(world, 'post', path, { action: 'REJECT' });
      return `${path}/${body.id}/l7rules`;
    },
    good: () => ({ type: 'PATH', compare_type: 'STARTS_WITH', value: '/api' }),
    change: { value: '/images' },
    bad: { name: 'a' },
    badSentence: /^Unknown attribute for argument l7rule: name$/,
    badChange: { type: 'bad type' },
    badChangeSentence: /one of/,
  },
];
