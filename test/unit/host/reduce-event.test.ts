import { describe, expect, it } from 'vitest';
import type { SubResult } from '../../../src/api/wire/events.ts';
import { parseTimestamp } from '../../../src/api/time.ts';
import { byteLength, keptHead, keptTail } from '../../../src/core/host/cut-text.ts';
import { failingControlsOf, reduceEvent } from '../../../src/core/host/reduce-event.ts';
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

  it('never splits a character, nor loses a byte order mark', () => {
    expect(keptHead('aé€😀', 4)).toBe('aé');
    expect(keptTail('aé€😀', 5)).toBe('😀');
    expect(keptHead(`\ufeff${'x'.repeat(9)}`, 5)).toBe('\ufeffxx');
    expect(byteLength('aé€😀')).toBe(10);
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

  it('turns a leap second, which the API server refuses, into the nanosecond before it', () => {
    const convergedAt = parseTimestamp('2016-12-31T23:59:60Z');
    if (convergedAt === undefined) throw new Error('no leap second');
    expect(reduceEvent({ ...samples.Converged, convergedAt })).toHaveProperty(
      'convergedAt',
      '2016-12-31T23:59:59.999999999Z',
    );
  });
});
