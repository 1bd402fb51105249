import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { Fault } from '../src/errors.ts';
import { type Answer, openRepeatedAnswers } from '../src/repeated-answers.ts';
import { faultOf } from './support/faults.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

describe('repeated answers', () => {
  const temporary = temporaryFolder();
  const folder = () => join(temporary.path, 'answers');
  const asked = { caller: 'ui', key: 'k1', request: 'POST resource {}' };
  const answer: Answer = { status: 202, headers: { ETag: '"0.9"' }, body: 'null' };
  const never = () => Promise.reject(new Error('It was carried out again.'));

  it('are the first answer, whole, and nothing is carried out again', async () => {
    const answers = openRepeatedAnswers(folder());
    expect(await answers.once(asked, () => Promise.resolve(answer))).to.deep.equal(answer);
    expect(await answers.once(asked, never)).to.deep.equal(answer);
  });

  it('are known to the agent that is started next', async () => {
    await openRepeatedAnswers(folder()).once(asked, () => Promise.resolve(answer));
    expect(await openRepeatedAnswers(folder()).once(asked, never)).to.deep.equal(answer);
  });

  it('are shared by those who ask at the same time', async () => {
    const answers = openRepeatedAnswers(folder());
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

  it('are of one caller and one key', async () => {
    const answers = openRepeatedAnswers(folder());
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

  it('are refused to another request with the key, also while the first is under way', async () => {
    const answers = openRepeatedAnswers(folder());
    const first = answers.once(asked, () => Promise.resolve(answer));
    const other = { ...asked, request: 'POST resource {"name":"A"}' };
    await faultOf('idempotency_key_reused', answers.once(other, never));
    await first;
    await faultOf('idempotency_key_reused', answers.once(other, never));
  });

  it('are not there for what ended in a fault, which may be asked for again', async () => {
    const answers = openRepeatedAnswers(folder());
    const refused = () => Promise.reject(new Fault('too_many_changes', 'later'));
    await faultOf('too_many_changes', answers.once(asked, refused));
    expect(await answers.once(asked, () => Promise.resolve(answer))).to.deep.equal(answer);
  });

  it('are not made up for what was begun and never ended', async () => {
    void openRepeatedAnswers(folder()).once(asked, () => new Promise(() => undefined));
    while ((await readdir(folder()).catch(() => [])).length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const anew = openRepeatedAnswers(folder());
    await faultOf('outcome_unknown', anew.once(asked, never));
    const other = { ...asked, request: 'another' };
    await faultOf('idempotency_key_reused', anew.once(other, never));
  });

  it('are forgotten after a day, whose they may be', async () => {
    const answers = openRepeatedAnswers(folder());
    await answers.once(asked, () => Promise.resolve(answer));
    const [name = ''] = await readdir(folder());
    const seconds = Date.now() / 1000;
    const age = async (hours: number) => {
      await utimes(join(folder(), name), seconds, seconds - hours * 3600);
    };
    await age(23.9);
    expect(await answers.once(asked, never)).to.deep.equal(answer);
    await age(24.1);
    const other = { ...asked, key: 'k2' };
    await answers.once(other, () => Promise.resolve(answer));
    expect(await readdir(folder()))
      .to.have.lengthOf(1)
      .and.not.include(name);
  });

  it('are for root alone to read, and tell neither the key nor the request', async () => {
    await openRepeatedAnswers(folder()).once(
      { caller: 'ui', key: 'verysecret', request: 'verysecret' },
      () => Promise.resolve(answer),
    );
    const [name = ''] = await readdir(folder());
    const file = join(folder(), name);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect((await stat(folder())).mode & 0o777).to.equal(0o700);
    expect(name + (await readFile(file, 'utf8'))).not.to.include('verysecret');
  });

  it('are not given, and nothing is carried out, when nothing can be kept', async () => {
    await writeFile(folder(), 'no folder');
    const outcome = await openRepeatedAnswers(folder())
      .once(asked, never)
      .catch((error: unknown) => (error as Error).message);
    expect(outcome).to.be.a('string').and.not.equal('It was carried out again.');
  });
});
