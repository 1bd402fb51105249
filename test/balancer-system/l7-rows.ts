import type { Body } from './making.ts';

/** What is asked: a path, and further arguments for curl. */
interface L7Request {
  path?: string;
  host?: string;
  headers?: readonly string[];
}

interface Expected {
  member?: string;
  status?: number;
  redirect?: string;
}

/** A policy with a request that it is for, and one that it is not for, which the default pool answers. */
export interface L7Row {
  title: string;
  /** `pool` names the member of its redirect pool. */
  policy: Body & { pool?: 'member3' | 'member4' };
  rules: readonly Body[];
  match: L7Request;
  expected: Expected;
  other: L7Request;
}

const rule = (type: string, compare: string, value: string, more: Body = {}): Body => ({
  ...{ type, compare_type: compare, value },
  ...more,
});
const header = (key: string, compare: string, value: string, more: Body = {}): Body =>
  rule('HEADER', compare, value, { key, ...more });
const cookie = (key: string, compare: string, value: string): Body =>
  rule('COOKIE', compare, value, { key });

const [three, four] = [
  { action: 'REDIRECT_TO_POOL', pool: 'member3' },
  { action: 'REDIRECT_TO_POOL', pool: 'member4' },
] as const;
const reject = { action: 'REJECT' };
const toUrl = (url: string) => ({ action: 'REDIRECT_TO_URL', redirect_url: url });
const odd = `a b"c#d'e\\f`;

export const l7Rows: readonly L7Row[] = [
  {
    title: 'a host name that is equal',
    policy: three,
    rules: [rule('HOST_NAME', 'EQUAL_TO', 'www.example.com')],
    match: { host: 'www.example.com' },
    expected: { member: 'member3' },
    other: { host: 'www.example.com.test' },
  },
  {
    title: 'a host name in other letters of upper and lower case',
    policy: four,
    rules: [rule('HOST_NAME', 'EQUAL_TO', 'mixed.example.com')],
    match: { host: 'MIXED.Example.COM' },
    expected: { member: 'member4' },
    other: { host: 'mixed2.example.com' },
  },
  {
    title: 'the begin of a host name',
    policy: four,
    rules: [rule('HOST_NAME', 'STARTS_WITH', 'api.')],
    match: { host: 'api.example.net' },
    expected: { member: 'member4' },
    other: { host: 'my.api.example.net' },
  },
  {
    title: 'the end of a host name',
    policy: three,
    rules: [rule('HOST_NAME', 'ENDS_WITH', '.example.org')],
    match: { host: 'any.example.org' },
    expected: { member: 'member3' },
    other: { host: 'any.example.org.test' },
  },
  {
    title: 'a part of a host name',
    policy: four,
    rules: [rule('HOST_NAME', 'CONTAINS', 'shop')],
    match: { host: 'my-shop.test' },
    expected: { member: 'member4' },
    other: { host: 'my-sho.test' },
  },
  {
    title: 'the pattern of a host name',
    policy: three,
    rules: [rule('HOST_NAME', 'REGEX', '^v[0-9]{1,2}\\.test$')],
    match: { host: 'v12.test' },
    expected: { member: 'member3' },
    other: { host: 'v123.test' },
  },
  {
    title: 'a path that is equal',
    policy: four,
    rules: [rule('PATH', 'EQUAL_TO', '/exact')],
    match: { path: '/exact?query=1' },
    expected: { member: 'member4' },
    other: { path: '/exact/more' },
  },
  {
    title: 'the begin of a path',
    policy: three,
    rules: [rule('PATH', 'STARTS_WITH', '/images')],
    match: { path: '/images/1' },
    expected: { member: 'member3' },
    other: { path: '/my/images' },
  },
  {
    title: 'the end of a path, to reject',
    policy: reject,
    rules: [rule('PATH', 'ENDS_WITH', '/end')],
    match: { path: '/some/end' },
    expected: { status: 403 },
    other: { path: '/some/end/more' },
  },
  {
    title: 'a part of a path, to reject',
    policy: reject,
    rules: [rule('PATH', 'CONTAINS', '/private/')],
    match: { path: '/a/private/b' },
    expected: { status: 403 },
    other: { path: '/a/privates/b' },
  },
  {
    title: 'the pattern of a path, to another URL',
    policy: toUrl('http://www.example.com/items?all=1'),
    rules: [rule('PATH', 'REGEX', '^/item/[0-9]+$')],
    match: { path: '/item/42' },
    expected: { status: 302, redirect: 'http://www.example.com/items?all=1' },
    other: { path: '/item/x' },
  },
  {
    title: 'the type of a file',
    policy: four,
    rules: [rule('FILE_TYPE', 'EQUAL_TO', 'pdf')],
    match: { path: '/book.pdf' },
    expected: { member: 'member4' },
    other: { path: '/book.pdf.txt' },
  },
  {
    title: 'the pattern of the type of a file',
    policy: three,
    rules: [rule('FILE_TYPE', 'REGEX', 'jpe?g')],
    match: { path: '/picture.jpeg' },
    expected: { member: 'member3' },
    other: { path: '/picture.png' },
  },
  {
    title: 'a header that is equal',
    policy: three,
    rules: [header('X-Tenant', 'EQUAL_TO', 'blue')],
    match: { headers: ['X-Tenant: blue'] },
    expected: { member: 'member3' },
    other: { headers: ['X-Tenant: blues'] },
  },
  {
    title: 'a header with spaces, quotes, # and a backslash',
    policy: four,
    rules: [header('X-Odd', 'EQUAL_TO', odd)],
    match: { headers: [`X-Odd: ${odd}`] },
    expected: { member: 'member4' },
    other: { headers: ['X-Odd: a'] },
  },
  {
    title: 'the begin of a header, to another URL',
    policy: toUrl('https://old.example.com/'),
    rules: [header('X-Browser', 'STARTS_WITH', 'Old')],
    match: { headers: ['X-Browser: Older'] },
    expected: { status: 302, redirect: 'https://old.example.com/' },
    other: { headers: ['X-Browser: New'] },
  },
  {
    title: 'the pattern of a header',
    policy: three,
    rules: [header('X-Id', 'REGEX', '^[0-9a-f]{8}$')],
    match: { headers: ['X-Id: 0123abcd'] },
    expected: { member: 'member3' },
    other: { headers: ['X-Id: 0123abcde'] },
  },
  {
    title: 'a cookie that is equal',
    policy: four,
    rules: [cookie('site', 'EQUAL_TO', 'beta')],
    match: { headers: ['Cookie: other=1; site=beta'] },
    expected: { member: 'member4' },
    other: { headers: ['Cookie: site=beta2'] },
  },
  {
    title: 'a part of a cookie',
    policy: three,
    rules: [cookie('flags', 'CONTAINS', 'new')],
    match: { headers: ['Cookie: flags=a-new-b'] },
    expected: { member: 'member3' },
    other: { headers: ['Cookie: flag=a-new-b'] },
  },
  {
    title: 'all of its rules',
    policy: four,
    rules: [rule('PATH', 'STARTS_WITH', '/both'), header('X-Both', 'EQUAL_TO', 'yes')],
    match: { path: '/both/1', headers: ['X-Both: yes'] },
    expected: { member: 'member4' },
    other: { path: '/both/1' },
  },
  {
    title: 'a rule that is inverted, to reject',
    policy: reject,
    rules: [
      rule('PATH', 'STARTS_WITH', '/inner'),
      header('X-Inner', 'EQUAL_TO', 'yes', { invert: true }),
    ],
    match: { path: '/inner/1' },
    expected: { status: 403 },
    other: { path: '/inner/1', headers: ['X-Inner: yes'] },
  },
  {
    title: 'a path, to another place with the same path',
    policy: { action: 'REDIRECT_PREFIX', redirect_prefix: 'https://new.example.com' },
    rules: [rule('PATH', 'STARTS_WITH', '/moved')],
    match: { path: '/moved/1?a=b' },
    expected: { status: 302, redirect: 'https://new.example.com/moved/1?a=b' },
    other: { path: '/stays' },
  },
];

export const argsOf = ({ host, headers = [] }: L7Request): string[] =>
  [...(host === undefined ? [] : [`Host: ${host}`]), ...headers].flatMap((text) => ['-H', text]);
