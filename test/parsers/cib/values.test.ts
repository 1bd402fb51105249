import { expect } from 'chai';

import {
  isFalse,
  isOptionTime,
  isTime,
  isTrue,
  roleIn,
  secondsOf,
} from '../../../src/parsers/cib/values.ts';

describe('a value of the CIB', () => {
  it('is a boolean by any of the names that Pacemaker knows', () => {
    for (const text of ['true', 'On', 'YES', 'y', '1']) expect(isTrue(text), text).to.equal(true);
    for (const text of ['false', 'Off', 'NO', 'n', '0']) expect(isFalse(text), text).to.equal(true);
    for (const text of ['', 'maybe', '10']) {
      expect([isTrue(text), isFalse(text)], text).to.deep.equal([false, false]);
    }
  });

  it('is a time as a number with a unit, or as a duration of ISO 8601', () => {
    for (const text of ['30', '30s', '5min', '10us', 'PT1H']) {
      expect([isTime(text), isOptionTime(text)], text).to.deep.equal([true, true]);
    }
    for (const text of ['', 's', '5 hours', '1.5s', '-PT1H']) {
      expect([isTime(text), isOptionTime(text)], text).to.deep.equal([false, false]);
    }
    for (const text of ['-1', '30 s']) {
      expect([isTime(text), isOptionTime(text)], text).to.deep.equal([false, true]);
    }
  });

  it('can be compared in seconds, whatever its unit', () => {
    expect(['60', '60s', '1m', '1min'].map(secondsOf)).to.deep.equal([60, 60, 60, 60]);
    expect(['2h', '10ms', 'PT1H'].map(secondsOf)).to.deep.equal([7200, undefined, undefined]);
  });

  it('is a role under its new or its old name', () => {
    expect(['Master', 'Unpromoted', 'Started'].map((role) => roleIn(role, true))).to.deep.equal([
      'Promoted',
      'Unpromoted',
      'Started',
    ]);
    expect(['Master', 'Unpromoted', 'Started'].map((role) => roleIn(role, false))).to.deep.equal([
      'Master',
      'Slave',
      'Started',
    ]);
  });
});
