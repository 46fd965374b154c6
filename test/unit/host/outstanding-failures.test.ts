import { describe, expect, it } from 'vitest';
import { outstandingFailures } from '../../../src/core/host/outstanding-failures.ts';
import { at, foldState } from './support.ts';

const lastObservedAt = at(4);

describe('outstanding failures of a record', () => {
  it('counts enforced probes that fail, once each', () => {
    const probes = new Map([
      ['http', { status: 'fail', mode: 'enforce', lastObservedAt }],
      ['tcp', { status: 'pass', mode: 'enforce', lastObservedAt }],
      ['exec', { status: 'fail', mode: 'observe', lastObservedAt }],
    ] as const);
    expect(outstandingFailures(foldState('Soaking', { probes }))).toBe(1);
  });

  it('counts a probe’s controls instead of the probe where it has some, whatever the probe says', () => {
    const probes = new Map([
      ['evidence', { status: 'pass', mode: 'observe', lastObservedAt }],
      ['other', { status: 'fail', mode: 'enforce', lastObservedAt }],
    ] as const);
    const failingControls = new Map([
      ['evidence', ['a', 'b']],
      ['other', []],
    ]);
    expect(outstandingFailures(foldState('Soaking', { probes }, { failingControls }))).toBe(2);
  });
});
