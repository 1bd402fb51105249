import { randomUUID } from 'node:crypto';

import { expect } from 'chai';

import {
  type Case,
  type Cases,
  done,
  listenerOf,
  poolOf,
  refused,
  shown,
  type World,
} from './world.ts';

// Cases of L7 policies and rules.

const url = 'http://www.example.com/';

async function policiesOf(world: World): Promise<string> {
  return `${world.base}/listeners/${await listenerOf(world)}/l7policies`;
}

async function rulesOf(world: World): Promise<string> {
  const path = await policiesOf(world);
  return `${path}/${(await done(world, 'post', path, { action: 'REJECT' })).body.id}/l7rules`;
}

async function rejecting(world: World): Promise<string> {
  const path = await policiesOf(world);
  return `${path}/${(await done(world, 'post', path, { action: 'REJECT' })).body.id}`;
}

function badPolicy(title: string, sent: object, status: number, sentence: RegExp): Case {
  return [
    title,
    async (world) => refused(world, ['post', await policiesOf(world), sent], status, sentence),
  ];
}

function badPolicyChange(title: string, sent: object, status: number, sentence: RegExp): Case {
  return [
    title,
    async (world) => refused(world, ['put', await rejecting(world), sent], status, sentence),
  ];
}

function goodPolicy(title: string, sent: (world: World) => Promise<object>): Case {
  return [
    title,
    async (world) => {
      const path = await policiesOf(world);
      const wanted = await sent(world);
      const { body } = await done(world, 'post', path, wanted);
      expect(await shown(world, `${path}/${body.id}`)).to.include({ ...wanted, position: 1 });
    },
  ];
}

function goodPolicyChange(
  title: string,
  sent: (world: World) => Promise<object>,
  action: string,
): Case {
  return [
    title,
    async (world) => {
      const one = await rejecting(world);
      const wanted = await sent(world);
      expect((await done(world, 'put', one, wanted)).body).to.include({ action: 'REJECT' });
      expect(await shown(world, one)).to.include({ ...wanted, action });
    },
  ];
}

function goodRule(title: string, sent: object): Case {
  return [
    title,
    async (world) => {
      const path = await rulesOf(world);
      const { body } = await done(world, 'post', path, sent);
      expect(await shown(world, `${path}/${body.id}`)).to.include(sent);
    },
  ];
}

function badRule(title: string, sent: object, sentence: RegExp): Case {
  return [
    title,
    async (world) => refused(world, ['post', await rulesOf(world), sent], 400, sentence),
  ];
}

export const l7Cases: Cases = {
  'l7policy bad_create_redirect_to_pool': badPolicy(
    'a policy is not made for a pool that does not exist',
    { action: 'REDIRECT_TO_POOL', redirect_pool_id: randomUUID() },
    404,
    /^Pool .* not found\.$/,
  ),
  'l7policy bad_create_redirect_to_url': badPolicy(
    'a policy is not made for a text that is no URL',
    { action: 'REDIRECT_TO_URL', redirect_url: 'bad url' },
    400,
    /valid URL string$/,
  ),
  'l7policy bad_update_redirect_to_pool': badPolicyChange(
    'a policy is not changed to a pool that does not exist',
    { action: 'REDIRECT_TO_POOL', redirect_pool_id: randomUUID() },
    404,
    /^Pool .* not found\.$/,
  ),
  'l7policy bad_update_redirect_to_url': badPolicyChange(
    'a policy is not changed to a text that is no URL',
    { action: 'REDIRECT_TO_URL', redirect_url: 'bad url' },
    400,
    /valid URL string$/,
  ),
  'l7policy create_redirect_to_pool': goodPolicy(
    'a policy may choose another pool',
    async (world) => ({ action: 'REDIRECT_TO_POOL', redirect_pool_id: await poolOf(world) }),
  ),
  'l7policy create_redirect_to_url': goodPolicy('a policy may send clients to a URL', () =>
    Promise.resolve({ action: 'REDIRECT_TO_URL', redirect_url: url }),
  ),
  'l7policy create_reject_policy': goodPolicy('a policy may refuse requests', () =>
    Promise.resolve({ action: 'REJECT', redirect_url: null }),
  ),
  'l7policy update_redirect_to_pool_bad_pool_id': badPolicyChange(
    'a pool that does not exist is not taken without an action either',
    { redirect_pool_id: randomUUID() },
    404,
    /^Pool .* not found\.$/,
  ),
  'l7policy update_redirect_to_pool_minimal': goodPolicyChange(
    'the id of a pool alone makes a policy choose it',
    async (world) => ({ redirect_pool_id: await poolOf(world) }),
    'REDIRECT_TO_POOL',
  ),
  'l7policy update_redirect_to_url_bad_url': badPolicyChange(
    'a text that is no URL is not taken without an action either',
    { redirect_url: 'bad-url' },
    400,
    /valid URL string$/,
  ),
  'l7policy update_redirect_to_url_minimal': goodPolicyChange(
    'a URL alone makes a policy send clients there',
    () => Promise.resolve({ redirect_url: url }),
    'REDIRECT_TO_URL',
  ),
  'l7rule bad_create_cookie_rule': badRule(
    'a rule is not made for a cookie whose name has blanks',
    { type: 'COOKIE', compare_type: 'EQUAL_TO', key: 'bad cookie name', value: 'a' },
    /Invalid characters in key$/,
  ),
  'l7rule bad_create_file_type_rule': badRule(
    'a rule does not compare the beginning of a file type',
    { type: 'FILE_TYPE', compare_type: 'STARTS_WITH', value: 'png' },
    /invalid comparison type for rule type$/,
  ),
  'l7rule bad_create_header_rule': badRule(
    'a rule of a header needs its name',
    { type: 'HEADER', compare_type: 'CONTAINS', value: 'a' },
    /L7 rule type requires a key$/,
  ),
  'l7rule bad_create_host_name_rule': badRule(
    'a rule of a host name needs a value',
    { type: 'HOST_NAME', compare_type: 'STARTS_WITH' },
    /attribute value\. .*Mandatory field missing\.$/,
  ),
  'l7rule bad_create_path_rule': badRule(
    'a rule is not made of an expression that is none',
    { type: 'PATH', compare_type: 'REGEX', value: 'bad string\\' },
    /Unable to parse regular expression: /,
  ),
  'l7rule create_cookie_rule': goodRule('a rule may compare a cookie', {
    type: 'COOKIE',
    compare_type: 'CONTAINS',
    key: 'some-cookie',
    value: 'some-value',
  }),
  'l7rule create_file_type_rule': goodRule('a rule may match file types', {
    type: 'FILE_TYPE',
    compare_type: 'REGEX',
    value: 'jpg|png',
  }),
  'l7rule create_header_rule': goodRule('a rule may compare a header with a quoted text', {
    type: 'HEADER',
    compare_type: 'ENDS_WITH',
    key: 'Some-header',
    value: '"some string"',
  }),
  'l7rule create_host_name_rule': goodRule('a rule may compare the host name', {
    type: 'HOST_NAME',
    compare_type: 'EQUAL_TO',
    value: 'www.example.com',
  }),
  'l7rule create_path_rule': goodRule('a rule may be inverted', {
    type: 'PATH',
    compare_type: 'STARTS_WITH',
    value: '/api',
    invert: true,
  }),
  'l7rule create_too_many_rules': [
    'a policy has at most 50 rules',
    async (world) => {
      const path = await rulesOf(world);
      for (let count = 0; count < 50; count += 1)
        await done(world, 'post', path, {
          type: 'PATH',
          compare_type: 'STARTS_WITH',
          value: `/${count}`,
        });
      await refused(
        world,
        ['post', path, { type: 'PATH', compare_type: 'STARTS_WITH', value: '/more' }],
        409,
        /^Too many rules on L7 policy /,
      );
    },
  ],
  'l7rule get_bad_parent_policy': [
    'a rule below a policy that does not exist is not found',
    async (world) => {
      const path = await policiesOf(world);
      const id = randomUUID();
      await refused(
        world,
        ['get', `${path}/${id}/l7rules/${randomUUID()}`],
        404,
        `L7 Policy ${id} not found.`,
      );
    },
  ],
  'l7rule update_with_invalid_rule': [
    'a rule is not changed to an expression that is none',
    async (world) => {
      const path = await rulesOf(world);
      const { body } = await done(world, 'post', path, {
        type: 'PATH',
        compare_type: 'STARTS_WITH',
        value: '/api',
      });
      await refused(
        world,
        ['put', `${path}/${body.id}`, { compare_type: 'REGEX', value: 'bad string\\' }],
        400,
        /Unable to parse regular expression: /,
      );
      expect(await shown(world, `${path}/${body.id}`)).to.include({
        compare_type: 'STARTS_WITH',
        value: '/api',
      });
    },
  ],
};
