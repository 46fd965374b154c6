import { describe, expect, test } from 'vitest';
import { readArtifact } from '../../../src/core/artifacts/read-artifact.ts';
import type { JsonValue } from '../../../src/core/artifacts/strict-json.ts';
import { fleetDocument } from './fixtures.ts';

function read(change: object) {
  const value: JsonValue = JSON.parse(JSON.stringify({ ...fleetDocument(), ...change }));
  return readArtifact('fleet', value);
}

function host(change: object) {
  return read({ hosts: { h: { system: 'x86_64-linux', tags: [], channel: 'c', ...change } } });
}

describe('refused, with the member named', () => {
  test.each([
    ['edges', { edges: null }],
    ['channelEdges', { channelEdges: null }],
    ['rolloutPolicies', { rolloutPolicies: null }],
    ['hosts', { hosts: undefined }],
    ['hosts', { hosts: [] }],
    ['channels', { channels: null }],
    ['meta.schemaVersion', { meta: {} }],
    ['meta.signedAt', { meta: { schemaVersion: 1, signedAt: '2026-05-16T01:00:00' } }],
    ['meta.signedAt', { meta: { schemaVersion: 1, signedAt: 5 } }],
    ['schemaVersion', { schemaVersion: -1 }],
    ['schemaVersion', { schemaVersion: 1.5 }],
    ['schemaVersion', { schemaVersion: 4294967296 }],
    ['schemaVersion', { schemaVersion: '1' }],
    ['schemaVersion', { schemaVersion: true }],
    ['waves.stable[0].soakMinutes', { waves: { stable: [{ hosts: [] }] } }],
    ['disruptionBudgets[0].selector', { disruptionBudgets: [{}] }],
    ['disruptionBudgets[0].selector.tags', { disruptionBudgets: [{ selector: { tags: null } }] }],
    ['disruptionBudgets[0].selector.all', { disruptionBudgets: [{ selector: { all: null } }] }],
    [
      'rolloutPolicies.p.healthGate',
      { rolloutPolicies: { p: { strategy: '', waves: [], onHealthFailure: 'halt', healthGate: null } } },
    ],
    [
      'rolloutPolicies.p.onHealthFailure',
      { rolloutPolicies: { p: { strategy: '', waves: [], onHealthFailure: 'Halt' } } },
    ],
    ['edges[0].gated', { edges: [{ before: 'a', after: 'b' }] }],
    ['channelEdges[0].gates', { channelEdges: [{ gates: 'a', before: 'a', gated: 'b' }] }],
    ['channelEdges[0].gated', { channelEdges: [{ gates: 'a', gated: 'b', after: 'b' }] }],
    ['channelEdges[0].gated', { channelEdges: [{ gates: 'a' }] }],
    ['channelEdges[0].after', { channelEdges: [{ gates: 'a', after: null }] }],
  ])('%s', (path, change) => {
    expect(read(change)).toEqual({ ok: false, message: expect.stringContaining(`${path}: `) });
  });

  test.each([
    ['hosts.h.system', { system: undefined }],
    ['hosts.h.system', { system: null, platform: 'x86_64-linux' }],
    ['hosts.h.system', { system: undefined, platform: null }],
    ['hosts.h.tags', { tags: null }],
    ['hosts.h.channel', { channel: undefined }],
    ['hosts.h.pin.reason', { pin: { commit: 'a' } }],
  ])('%s of a host', (path, change) => {
    expect(host(change)).toEqual({ ok: false, message: expect.stringContaining(`${path}: `) });
  });

  test('a hundred wrong members are summed up, and a long name is cut', () => {
    const hosts = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}${'x'.repeat(5000)}`, {}]));
    const reading = read({ hosts });
    expect(reading.ok ? '' : reading.message).toMatch(/and \d+ more$/);
    expect(reading.ok ? Infinity : reading.message.length).toBeLessThan(1000);
  });
});

describe('accepted', () => {
  test.each([
    ['closureHash null', { closureHash: null }],
    ['pubkey null', { pubkey: null }],
    ['platform for system', { system: undefined, platform: 'x86_64-linux' }],
    ['both names of the platform', { platform: 'ignored' }],
    ['an unknown member', { future: 1 }],
  ])('a host with %s', (_, change) => {
    const reading = host(change);
    expect(reading.ok && reading.value.hosts).toEqual({
      h: { system: 'x86_64-linux', tags: [], channel: 'c', closureHash: null, pubkey: null },
    });
  });

  test('what may be left out gets its default', () => {
    const reading = read({
      rolloutPolicies: undefined,
      disruptionBudgets: [{ selector: {} }],
      channelEdges: [{ before: 'a', after: 'b' }],
    });
    expect(reading.ok && reading.value).toMatchObject({
      rolloutPolicies: {},
      edges: [],
      channelEdges: [{ gates: 'a', gated: 'b', reason: null }],
      disruptionBudgets: [
        {
          selector: { tags: [], tagsAny: [], hosts: [], channel: null, all: false },
          maxInFlight: null,
          maxInFlightPct: null,
        },
      ],
    });
  });

  test('omitted members are not printed, null ones are', () => {
    const reading = host({ pin: null });
    const printed: unknown = JSON.parse(JSON.stringify(reading.ok ? reading.value : null));
    expect(printed).toHaveProperty('hosts.h', {
      system: 'x86_64-linux',
      tags: [],
      channel: 'c',
      closureHash: null,
      pubkey: null,
    });
  });

  test('hosts may have the names of what every object has, and no other host has them', () => {
    const hosts = JSON.parse('{"__proto__":{"system":"s","tags":["p"],"channel":"c"}}');
    const reading = read({ hosts });
    if (!reading.ok) throw new Error(reading.message);
    expect(Object.keys(reading.value.hosts)).toEqual(['__proto__']);
    expect(reading.value.hosts['constructor']).toBeUndefined();
    expect(reading.value.waves['toString']).toBeUndefined();
  });

  test.each([
    '2026-05-16t01:00:00z',
    '2026-05-16 01:00:00Z',
    '2026-05-16T03:00:00+0200',
    '2026-05-16T01:00:00 Z',
    ' 2026-05-16T01:00:00UTC ',
    '2026-5-16T1:00:00Z',
    '2026-05-15T20:00:00-05:00',
  ])('the signing time "%s"', (signedAt) => {
    const reading = read({ meta: { schemaVersion: 1, signedAt } });
    expect(reading.ok && reading.value.meta.signedAt).toBe('2026-05-16T01:00:00Z');
  });

  test.each([
    '2026-05-16T24:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-05-16T01:00:00,5Z',
    '2026-05-16T01:00:00.Z',
    '2026-05-16T01:00Z',
    '2026-05-16T01:00:00+02',
    '2026-05-16',
  ])('but not "%s"', (signedAt) => {
    expect(read({ meta: { schemaVersion: 1, signedAt } }).ok).toBe(false);
  });
});
