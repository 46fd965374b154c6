import { describe, expect, it } from 'vitest';
import { decodeEnvelope, decodeEvent, encodeEvent } from '../../../src/core/host/wire.ts';
import { samples } from './support.ts';

const envelope = (event: unknown) => ({ hostname: 'web-01', rolloutId: 'stable@ab12', event });
const result = { ...samples.ProbeResult, status: 'fail' };

describe('the wire of events', () => {
  it.each(Object.values(samples))('carries $kind there and back', (event) => {
    const decoded = decodeEvent(JSON.parse(JSON.stringify(encodeEvent(event))));
    expect(decoded).toEqual({ ok: true, value: event });
  });

  it('normalises times, fills in the effective mode and drops nulls and strangers', () => {
    const decoded = decodeEnvelope({
      ...envelope({
        ...result,
        observedAt: '2026-06-01T14:00:00.5+02:00',
        failureReason: null,
        subResults: [{ controlId: 'c', status: 'fail', framework: 'nis2', article: null, extra: 1 }],
        extra: 1,
      }),
      signature: null,
      extra: 1,
    });
    expect(decoded.ok && JSON.parse(JSON.stringify(decoded.value))).toEqual({
      hostname: 'web-01',
      rolloutId: 'stable@ab12',
      event: {
        ...JSON.parse(JSON.stringify(result)),
        observedAt: '2026-06-01T12:00:00.500Z',
        subResults: [{ controlId: 'c', status: 'fail', framework: 'nis2', effectiveMode: 'enforce' }],
      },
    });
  });

  it.each([
    ['a missing member', { ...samples.Converged, currentClosure: undefined }, 'event.currentClosure'],
    [
      'a null where a value is required',
      { ...samples.Converged, currentClosure: null },
      'event.currentClosure',
    ],
    ['a kind of another casing', { ...samples.Converged, kind: 'converged' }, 'event.kind'],
    ['the name of the control plane for a kind', { ...samples.Failed, kind: 'RemoteFailed' }, 'event.kind'],
    ['a negative number', { ...samples.Converged, seq: -1 }, 'event.seq'],
    ['a fraction', { ...samples.Converged, seq: 1.5 }, 'event.seq'],
    ['an exit code beyond 32 bits', { ...samples.RollbackComplete, exitCode: 2 ** 31 }, 'event.exitCode'],
    [
      'a time without offset',
      { ...samples.Converged, convergedAt: '2026-06-01T12:00:00' },
      'event.convergedAt',
    ],
    [
      'a null effective mode',
      { ...result, subResults: [{ controlId: 'c', status: 'fail', framework: 'f', effectiveMode: null }] },
      'event.subResults.0.effectiveMode',
    ],
    ['half a surrogate pair', { ...samples.Converged, currentClosure: '\ud800' }, 'event.currentClosure'],
    ['no object at all', [], 'event'],
  ])('refuses %s and names the member', (_, event, member) => {
    const decoded = decodeEnvelope(envelope(event));
    expect(decoded.ok ? '' : decoded.message).toMatch(new RegExp(`^${member}: `));
  });

  it('reads numbers that a double cannot hold, so that whoever judges the event can refuse them', () => {
    expect(
      decodeEvent(
        JSON.parse(
          '{"kind":"Converged","convergedAt":"2026-06-01T12:00:00Z","currentClosure":"c","seq":18446744073709551615}',
        ),
      ).ok,
    ).toBe(true);
  });

  it('names no member where the whole is wrong', () => {
    const decoded = decodeEvent(7);
    expect(decoded.ok ? '' : decoded.message).toMatch(/^Invalid input/);
  });

  it('prints no member that is undefined', () => {
    const control = { controlId: 'c', status: 'fail', framework: 'f', effectiveMode: 'enforce' } as const;
    const subResults = [{ ...control, article: undefined, overrideReason: undefined }];
    const bare = { ...samples.ProbeResult, failureReason: undefined };
    expect(encodeEvent({ ...bare, subResults })).toStrictEqual({
      ...samples.ProbeResult,
      subResults: [control],
    });
    expect(encodeEvent(bare)).toStrictEqual(samples.ProbeResult);
    expect(
      encodeEvent({ ...bare, subResults: [{ ...control, article: '21', overrideReason: 'why' }] }),
    ).toHaveProperty('subResults', [{ ...control, article: '21', overrideReason: 'why' }]);
  });

  it('keeps an empty list of sub-results apart from none', () => {
    expect(encodeEvent({ ...samples.ProbeResult, subResults: [] })).toHaveProperty('subResults', []);
    expect(encodeEvent({ ...samples.ProbeResult, subResults: undefined })).not.toHaveProperty('subResults');
  });
});
