import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { Fault } from '../../../src/kit/fault.ts';
import type { AnswerLimits } from '../../../src/changes/idempotency/answer-index.ts';
import { openRepeatedAnswers } from '../../../src/changes/idempotency/repeated-answers.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type Answer, answerForm } from '../../../src/routes/common/stored-answer.ts';

describe('repeated answers', () => {
  const temporary = temporaryFolder();
  const folder = () => join(temporary.path, 'answers');
  const opened = (limits?: AnswerLimits, now?: () => number) =>
    openRepeatedAnswers(folder(), answerForm, limits, now);
  const asked = { caller: 'ui', key: 'k1', request: 'POST resource {}' };
  const answer: Answer = { status: 202, headers: { ETag: '"0.9"' }, body: 'null' };
  const never = () => Promise.reject(new Error('It was carried out again.'));

  it('are equal to the first answer, and the change is not made again', async () => {
    const answers = opened();
    expect(await answers.once(asked, () => Promise.resolve(answer))).to.deep.equal(answer);
    expect(await answers.once(asked, never)).to.deep.equal(answer);
  });

  it('are known to the agent after its restart', async () => {
    await opened().once(asked, () => Promise.resolve(answer));
    expect(await opened().once(asked, never)).to.deep.equal(answer);
  });

  it('report a failure from before a reboot, but not a success, because a reboot may lose a change', async () => {
    const failure = { ...answer, status: 422 };
    for (const [key, first] of [
      ['success', answer],
      ['failure', failure],
    ] as const) {
      await opened().once({ ...asked, key }, () => Promise.resolve(first));
    }
    for (const name of await readdir(folder())) {
      const path = join(folder(), name);
      const [head = '', stored = ''] = (await readFile(path, 'utf8')).split('\n');
      const former = { ...(JSON.parse(head) as object), boot: 'another' };
      await writeFile(path, `${JSON.stringify(former)}\n${stored}`);
    }
    const answers = opened();
    await faultOf('outcome_unknown', answers.once({ ...asked, key: 'success' }, never));
    expect(await answers.once({ ...asked, key: 'failure' }, never)).to.deep.equal(failure);
  });

  it('are shared by concurrent requests with the same key', async () => {
    const answers = opened();
    let made = 0;
    const make = async () => {
      made += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return answer;
    };
    const all = await Promise.all([1, 2, 3].map(() => answers.once(asked, make)));
    expect(all).to.deep.equal([answer, answer, answer]);
    expect(made).to.equal(1);
  });

  it('belong to one caller and one key', async () => {
    const answers = opened();
    const bodies = new Set<string>();
    for (const [caller, key] of [
      ['ui', 'a'],
      ['other', 'a'],
      ['ui', 'b'],
    ] as const) {
      const made = { ...answer, body: `${caller} ${key}` };
      bodies.add((await answers.once({ ...asked, caller, key }, () => Promise.resolve(made))).body);
    }
    expect(bodies.size).to.equal(3);
  });

  it('are refused to another request with the same key, even while the first is running', async () => {
    const answers = opened();
    const first = answers.once(asked, () => Promise.resolve(answer));
    const other = { ...asked, request: 'POST resource {"name":"A"}' };
    await faultOf('idempotency_key_reused', answers.once(other, never));
    await first;
    await faultOf('idempotency_key_reused', answers.once(other, never));
  });

  it('do not exist for a request that ended in a fault, so it can be tried again', async () => {
    const answers = opened();
    const refused = () => Promise.reject(new Fault('too_many_changes', 'later'));
    await faultOf('too_many_changes', answers.once(asked, refused));
    expect(await answers.once(asked, () => Promise.resolve(answer))).to.deep.equal(answer);
  });

  it('do not exist for a change that was begun and never ended', async () => {
    void opened().once(asked, () => new Promise(() => undefined));
    while ((await readdir(folder()).catch(() => [])).length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const reopened = opened();
    await faultOf('outcome_unknown', reopened.once(asked, never));
    const other = { ...asked, request: 'another' };
    await faultOf('idempotency_key_reused', reopened.once(other, never));
  });

  it('are removed after a day by the request of any caller', async () => {
    const clock = { ms: Date.now() };
    const hour = 3_600_000;
    const open = () => opened(undefined, () => clock.ms);
    const answers = open();
    await answers.once(asked, () => Promise.resolve(answer));
    const [name = ''] = await readdir(folder());
    clock.ms += 23.9 * hour;
    expect(await answers.once(asked, never)).to.deep.equal(answer);
    expect(await open().once(asked, never)).to.deep.equal(answer);
    clock.ms += 0.2 * hour;
    await answers.once({ ...asked, key: 'k2' }, () => Promise.resolve(answer));
    expect(await readdir(folder()))
      .to.have.lengthOf(1)
      .and.not.include(name);
    const again = { ...answer, status: 200 };
    expect(await answers.once(asked, () => Promise.resolve(again))).to.deep.equal(again);
  });

  describe('beyond the limit of stored requests', () => {
    const limits = { perCaller: 3, inAll: 5 };
    const answered = (status: number) => () => Promise.resolve({ ...answer, status });
    const of = (caller: string, key: string) => ({ ...asked, caller, key });

    it('drop the oldest of the same caller, and none of others', async () => {
      const answers = opened(limits);
      await answers.once(of('other', 'k'), answered(200));
      for (const key of ['a', 'b', 'c', 'd']) await answers.once(of('ui', key), answered(200));
      for (const store of [answers, opened(limits)]) {
        for (const key of ['b', 'c', 'd']) await store.once(of('ui', key), never);
        await store.once(of('other', 'k'), never);
      }
      expect((await answers.once(of('ui', 'a'), answered(202))).status).to.equal(202);
      expect(await readdir(folder())).to.have.lengthOf(4);
    });

    it('drop the oldest of the caller with most of them', async () => {
      const answers = opened(limits);
      await answers.once(of('other', 'a'), answered(200));
      for (const key of ['a', 'b', 'c']) await answers.once(of('ui', key), answered(200));
      for (const key of ['b', 'c']) await answers.once(of('other', key), answered(200));
      await answers.once(of('other', 'a'), never);
      expect((await answers.once(of('ui', 'a'), answered(202))).status).to.equal(202);
    });

    it('never drop one whose request is running', async () => {
      const answers = opened(limits);
      let end: (made: Answer) => void = () => undefined;
      const first = answers.once(of('ui', 'slow'), () => new Promise((resolve) => (end = resolve)));
      for (const key of ['a', 'b', 'c', 'd']) await answers.once(of('ui', key), answered(200));
      end(answer);
      expect(await first).to.deep.equal(answer);
      expect(await answers.once(of('ui', 'slow'), never)).to.deep.equal(answer);
    });
  });

  it('read no file that belongs to another request', async () => {
    const answers = opened();
    await answers.once(asked, () => Promise.resolve(answer));
    const before = await readdir(folder());
    // This file belongs to no request, so no request reads it.
    await writeFile(join(folder(), before[0]?.replace(/\w(?=\.)/, 'x') ?? ''), 'no answer');
    await answers.once({ ...asked, key: 'k2' }, () => Promise.resolve(answer));
    expect(await readdir(folder())).to.have.lengthOf(3);
  });

  it('lose a body that is too long to be stored, and say so', async () => {
    const answers = opened();
    const long = { ...answer, body: JSON.stringify('x'.repeat(20_000)) };
    expect(await answers.once(asked, () => Promise.resolve(long))).to.deep.equal(long);
    const repeated = await answers.once(asked, never);
    expect([repeated.status, repeated.body]).to.deep.equal([202, 'null']);
    expect(repeated.headers['X-HA-Warnings']).to.include('too long');
    expect(repeated.headers['ETag']).to.equal('"0.9"');
  });

  it('have the format on the disk that all releases write and read', async () => {
    await opened().once(asked, () => Promise.resolve(answer));
    const [name = ''] = await readdir(folder());
    const [head = '', stored = ''] = (await readFile(join(folder(), name), 'utf8')).split('\n');
    expect(JSON.parse(head)).to.have.all.keys('request', 'boot');
    expect(stored.trimEnd()).to.equal(
      '{"status":202,"headers":{"ETag":"\\"0.9\\""},"body":"null"}',
    );
  });

  it('are not made from a file that a power cut left incomplete', async () => {
    await opened().once(asked, () => Promise.resolve(answer));
    const [name = ''] = await readdir(folder());
    const path = join(folder(), name);
    const whole = await readFile(path, 'utf8');
    for (let length = whole.trimEnd().length - 1; length >= 0; length -= 7) {
      await writeFile(path, whole.slice(0, length));
      await faultOf('outcome_unknown', opened().once(asked, never));
    }
  });

  it('are stored for root only, and reveal neither the key nor the request', async () => {
    await opened().once({ caller: 'ui', key: 'verysecret', request: 'verysecret' }, () =>
      Promise.resolve(answer),
    );
    const [name = ''] = await readdir(folder());
    const file = join(folder(), name);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect((await stat(folder())).mode & 0o777).to.equal(0o700);
    expect(name + (await readFile(file, 'utf8'))).not.to.include('verysecret');
  });

  it('and their change are refused if nothing can be stored', async () => {
    await writeFile(folder(), 'no folder');
    const outcome = await opened()
      .once(asked, never)
      .catch((error: unknown) => (error as Error).message);
    expect(outcome).to.be.a('string').and.not.equal('It was carried out again.');
  });
});
