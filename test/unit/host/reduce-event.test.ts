import { describe, expect, it } from 'vitest';
import type { SubResult } from '../../../src/api/wire/events.ts';
import { parseTimestamp } from '../../../src/api/time.ts';
import { byteLength, keptHead, keptTail } from '../../../src/core/host/cut-text.ts';
import { failingControlsOf, reduceEvent, storableTime } from '../../../src/core/host/reduce-event.ts';
import { probeResult, samples } from './support.ts';

function control(controlId: string, changes: Partial<SubResult> = {}): SubResult {
  return { controlId, status: 'fail', framework: 'nis2', effectiveMode: 'enforce', ...changes };
}

describe('an event before it is stored', () => {
  it('keeps the end of a failed switch’s output and the beginning of a reason', () => {
    const failed = reduceEvent({ ...samples.ActivationFailed, stderrTail: `${'x'.repeat(5000)}cause` });
    expect(failed).toHaveProperty('stderrTail', `${'x'.repeat(4091)}cause`);
    const result = reduceEvent(probeResult('fail', { failureReason: `cause${'x'.repeat(5000)}` }));
    expect(result).toHaveProperty('failureReason', `cause${'x'.repeat(1019)}`);
  });

  it('keeps what is short whole, however many bytes its characters take', () => {
    const stderrTail = 'no space left on device: '.repeat(100);
    expect(reduceEvent({ ...samples.ActivationFailed, stderrTail })).toHaveProperty('stderrTail', stderrTail);
    expect([keptHead('aé€😀', 11), keptTail('aé€😀', 11)]).toEqual(['aé€😀', 'aé€😀']);
  });

  it('never splits a character, nor loses a byte order mark', () => {
    expect(keptHead('aé€😀', 4)).toBe('aé');
    expect(keptTail('aé€😀', 5)).toBe('😀');
    expect(keptHead(`\ufeff${'x'.repeat(9)}`, 5)).toBe('\ufeffxx');
    expect(byteLength('aé€😀')).toBe(10);
    expect([keptHead('aé€😀', 10), keptTail('aé€😀', 10)]).toEqual(['aé€😀', 'aé€😀']);
    expect([keptHead('€', 2), keptTail('€', 2), keptHead('€', 0), keptTail('€', 0)]).toEqual([
      '',
      '',
      '',
      '',
    ]);
  });

  it('keeps of the controls only those that are enforced and fail, each once', () => {
    const event = probeResult('fail', {
      subResults: [
        control('a', { article: '21', overrideReason: 'why' }),
        control('a'),
        control('b', { status: 'pass' }),
        control('c', { effectiveMode: 'observe' }),
      ],
    });
    expect(failingControlsOf(reduceEvent(event))).toEqual(['a']);
  });

  it('tells controls of which none fails from no controls', () => {
    const passing = probeResult('fail', { subResults: [control('b', { status: 'pass' })] });
    expect(failingControlsOf(reduceEvent(passing))).toEqual([]);
    expect(failingControlsOf(reduceEvent(probeResult('fail', { subResults: [] })))).toBeUndefined();
    expect(failingControlsOf(reduceEvent(probeResult('fail')))).toBeUndefined();
  });

  it('keeps 128 failing controls and says how many there were', () => {
    const subResults = Array.from({ length: 300 }, (_, i) => control(`c-${i}`));
    const reduced = reduceEvent(probeResult('fail', { subResults }));
    expect(failingControlsOf(reduced)).toHaveLength(128);
    expect(reduced.failingControlCount).toBe(300);
  });

  it('counts controls only where it has cut their list', () => {
    const subResults = Array.from({ length: 128 }, (_, i) => control(`c-${i}`));
    expect(reduceEvent(probeResult('fail', { subResults }))).not.toHaveProperty('failingControlCount');
  });

  it('keeps 128 names of failing probes, and 128 bytes of each', () => {
    const failingProbes = Array.from({ length: 200 }, (_, i) => `${i}`.padEnd(200, 'x'));
    const reduced = reduceEvent({ ...samples.Failed, failingProbes });
    expect(reduced).toHaveProperty(
      'failingProbes',
      failingProbes.slice(0, 128).map((name) => name.slice(0, 128)),
    );
    expect(reduceEvent(samples.Failed)).toEqual(samples.Failed);
  });

  it('stays the very same where there is nothing to reduce, even if a text looks like a leap second', () => {
    expect(reduceEvent(samples.DispatchAck)).toBe(samples.DispatchAck);
    const component = 'x'.repeat(17) + '60';
    expect(reduceEvent({ ...samples.ActivationDeferred, component })).toHaveProperty('component', component);
  });

  it('is at a time that the API server accepts', () => {
    const [leap, ordinary] = ['2016-12-31T23:59:60.5Z', '2016-12-31T23:59:59Z'].map(parseTimestamp);
    if (leap === undefined || ordinary === undefined) throw new Error('no times');
    expect(storableTime(leap)).toBe('2016-12-31T23:59:59.999999999Z');
    expect(storableTime(ordinary)).toBe(ordinary);
  });

  it('turns a leap second, which the API server refuses, into the nanosecond before it', () => {
    const convergedAt = parseTimestamp('2016-12-31T23:59:60Z');
    if (convergedAt === undefined) throw new Error('no leap second');
    expect(reduceEvent({ ...samples.Converged, convergedAt })).toHaveProperty(
      'convergedAt',
      '2016-12-31T23:59:59.999999999Z',
    );
  });
});
