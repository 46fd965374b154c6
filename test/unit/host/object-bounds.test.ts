import { describe, expect, it } from 'vitest';
import { PROBES_MAX } from '../../../src/api/kinds/host-rollout-record.ts';
import { byteLength } from '../../../src/core/host/cut-text.ts';
import { notStorable } from '../../../src/core/host/object-bounds.ts';
import type { ProbeRecord, Probes } from '../../../src/core/host/record.ts';
import { at, foldState } from './support.ts';

const PROBE: ProbeRecord = { status: 'fail', mode: 'enforce', lastObservedAt: at(1) };

function probes(count: number, failureReason?: string): Probes {
  return new Map(Array.from({ length: count }, (_, index) => [`p-${index}`, { ...PROBE, failureReason }]));
}

const soaking = (of: Probes) => foldState('Soaking', { probes: of });

describe('a record that its object cannot hold', () => {
  it.each(['currentClosureAtDispatch', 'currentClosure', 'revertedTo'] as const)(
    'has too long a %s',
    (name) => {
      const start = foldState('Soaking');
      expect(notStorable(start, foldState('Soaking', { [name]: 'x'.repeat(512) }))).toBeUndefined();
      expect(notStorable(start, foldState('Soaking', { [name]: 'x'.repeat(513) }))).toBe(
        `${name} is longer than 512 characters`,
      );
    },
  );

  it('has too many probes', () => {
    const before = soaking(probes(1));
    expect(notStorable(before, soaking(probes(PROBES_MAX)))).toBeUndefined();
    expect(notStorable(before, soaking(probes(PROBES_MAX + 1)))).toBe(
      `the host has more than ${PROBES_MAX} probes`,
    );
  });

  it('has a probe with too long a name', () => {
    const named = (length: number) => soaking(new Map([['x'.repeat(length), PROBE]]));
    expect(notStorable(soaking(probes(0)), named(253))).toBeUndefined();
    expect(notStorable(soaking(probes(0)), named(254))).toBe('probeName is longer than 253 characters');
  });

  it('has probes that say too much, unless they said even more before', () => {
    const [small, large, larger] = [50, 70, 80].map((count) => soaking(probes(count, 'x'.repeat(1000))));
    if (small === undefined || large === undefined || larger === undefined) throw new Error('no states');
    const refused = "the host's probes take more than 65536 bytes";
    expect(notStorable(soaking(probes(0)), small)).toBeUndefined();
    expect(notStorable(small, large)).toBe(refused);
    expect(notStorable(large, larger)).toBe(refused);
    expect(notStorable(larger, large)).toBeUndefined();
    expect(
      notStorable(large, { ...large, record: { ...large.record, probes: new Map(large.record.probes) } }),
    ).toBeUndefined();
  });

  it('still fits with probes of 65,536 bytes, and not with one more', () => {
    const small = soaking(probes(0));
    const saying = (length: number) => soaking(probes(1, 'x'.repeat(length)));
    const { record, extras } = saying(0);
    const room = 65_536 - byteLength(JSON.stringify([[...record.probes], [...extras.failingControls]]));
    expect(notStorable(small, saying(room))).toBeUndefined();
    expect(notStorable(small, saying(room + 1))).toBe("the host's probes take more than 65536 bytes");
  });

  it('has too many controls that fail: they count as its probes do', () => {
    const before = soaking(probes(1));
    const failingControls = new Map([['p-0', Array.from({ length: 128 }, () => 'x'.repeat(600))]]);
    const after = { ...soaking(probes(1)), extras: { ...before.extras, failingControls } };
    expect(notStorable(before, after)).toBe("the host's probes take more than 65536 bytes");
  });

  it('is not looked at where an event leaves its probes alone', () => {
    const large = soaking(probes(PROBES_MAX + 1));
    expect(notStorable(large, large)).toBeUndefined();
  });
});
