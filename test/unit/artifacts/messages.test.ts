import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readTyped } from '../../../src/core/artifacts/typed-reading.ts';
import { refusal, type VerifyFault } from '../../../src/core/artifacts/verify-error.ts';
import { at } from './fixtures.ts';

const SIGNED = at('2026-05-16T01:00:00Z');
const NOW = at('2026-05-16T03:00:00Z');

describe('a refusal says what to do', () => {
  test.each<[VerifyFault, string]>([
    [
      { error: 'NoTrustRoots', detail: {} },
      'no key is in force to check the signature with: give the CI release key in the trust config',
    ],
    [
      { error: 'Parse', detail: {} },
      'the document cannot be read: why; publish it as the release tool wrote it',
    ],
    [
      { error: 'BadSignature', detail: {} },
      'the signature is of none of the keys in force (why): sign this very document anew, or trust its key',
    ],
    [
      { error: 'UnsupportedAlgorithm', detail: { algorithm: 'rsa' } },
      'no key in force has a known algorithm (the first is "rsa"): use ed25519 or ecdsa-p256',
    ],
    [
      { error: 'SchemaVersionUnsupported', detail: { version: 2 } },
      'schemaVersion is 2; only 1 is known: produce the document with a matching release tool',
    ],
    [
      { error: 'NotSigned', detail: {} },
      'meta.signedAt is missing: the release tool has to set it before signing',
    ],
    [
      { error: 'RejectedBeforeTimestamp', detail: { signed_at: SIGNED, reject_before: NOW } },
      `signed at ${SIGNED}, but the key slot rejects everything before ${NOW}: sign anew`,
    ],
    [
      { error: 'Stale', detail: { signed_at: SIGNED, now: NOW, window_secs: 60 } },
      `signed at ${SIGNED}, which at ${NOW} is longer ago than the freshness window of 60 s: sign anew`,
    ],
    [
      { error: 'FutureDated', detail: { signed_at: NOW, now: SIGNED, slack_secs: 60 } },
      `signed at ${NOW}, more than 60 s after ${SIGNED}: check the clocks of CI and of this machine`,
    ],
  ])('$error', (fault, message) => {
    expect(refusal(fault, 'why')).toEqual({ ...fault, ok: false, message });
  });

  test('without a reason of its own it has none', () => {
    expect(refusal({ error: 'Parse', detail: {} }).message).toBe(
      'the document cannot be read: ; publish it as the release tool wrote it',
    );
  });
});

describe('a member that is wrong is named', () => {
  const said = (schema: z.ZodType, value: unknown): string => {
    const reading = readTyped(schema, value);
    return reading.ok ? 'none' : reading.message;
  };
  const wrong = 'expected string, received number';

  test.each<[string, z.ZodType, unknown, string]>([
    ['the whole', z.string(), 1, `the document: ${wrong}`],
    ['by its name', z.object({ a: z.string() }), { a: 1 }, `a: ${wrong}`],
    ['by its way', z.object({ a: z.object({ b_2: z.string() }) }), { a: { b_2: 1 } }, `a.b_2: ${wrong}`],
    ['by its place', z.object({ a: z.array(z.string()) }), { a: ['', 1] }, `a[1]: ${wrong}`],
    ['by its place in the whole', z.array(z.object({ a: z.string() })), [{ a: 1 }], `[0].a: ${wrong}`],
    [
      'quoted',
      z.object({ a: z.object({ 'web-1': z.string() }) }),
      { a: { 'web-1': 1 } },
      `a["web-1"]: ${wrong}`,
    ],
    ['quoted where it begins with a digit', z.object({ '1a': z.string() }), { '1a': 1 }, `["1a"]: ${wrong}`],
    ['quoted where it is empty', z.object({ '': z.string() }), { '': 1 }, `[""]: ${wrong}`],
    [
      'by another message',
      z.string().refine(() => false, 'Sorry. Invalid input: x'),
      'a',
      'the document: Sorry. Invalid input: x',
    ],
  ])('%s', (_, schema, value, message) => {
    expect(said(schema, value)).toBe(message);
  });

  test('with two others at most, and how many more there are', () => {
    const schema = z.array(z.string());
    expect(said(schema, [1, 1, 1])).toBe(`[0]: ${wrong}; [1]: ${wrong}; [2]: ${wrong}`);
    expect(said(schema, [1, 1, 1, 1, 1])).toBe(`[0]: ${wrong}; [1]: ${wrong}; [2]: ${wrong}; and 2 more`);
  });

  test('cut where its way is longer than anybody reads', () => {
    const long = (length: number) => ({ ['x'.repeat(length)]: 1 });
    const of = (length: number): string => said(z.record(z.string(), z.string()), long(length));
    expect(of(200)).toBe(`${'x'.repeat(200)}: ${wrong}`);
    expect(of(201)).toBe(`${'x'.repeat(200)}…: ${wrong}`);
  });
});
