import { existsSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bootstrapTokenSchema } from '../../../src/api/wire/enroll.ts';
import { isTokenInForce, verifyBootstrapToken } from '../../../src/core/artifacts/bootstrap-token.ts';
import { signingKeyFromPem } from '../../../src/core/artifacts/sign.ts';
import { fleetDocument, HOST_FINGERPRINT, HOST_LINE, NOW, run, Workplace } from './harness.ts';

const TOMORROW = '2026-06-02T10:00:00Z';

async function orgRoot(
  place: Workplace,
): Promise<{ args: string[]; trusted: { algorithm: string; public: string } }> {
  const path = place.path('org.pem');
  await run(['keygen', '--out', path]);
  const { trusted } = signingKeyFromPem(place.read('org.pem').toString());
  return { args: ['--org-root-key', path], trusted };
}

describe('mint-token', () => {
  test.each([
    ['the fleet', (place: Workplace) => ['--fleet-resolved', place.write('f.json', fleetDocument())]],
    [
      'the public key file',
      (place: Workplace) => ['--host-pubkey', place.write('h.pub', `${HOST_LINE} x\n`)],
    ],
    ['the fingerprint', () => ['--csr-pubkey-fingerprint', HOST_FINGERPRINT]],
  ])('takes the host’s key from %s and makes a token that the org root answers for', async (_, source) => {
    const place = new Workplace();
    const { args, trusted } = await orgRoot(place);
    const { code, out, err } = await run(['mint-token', '--hostname', 'web-01', ...args, ...source(place)]);
    expect(code).toBe(0);
    const token = bootstrapTokenSchema.parse(JSON.parse(out));
    expect(token).toEqual(JSON.parse(out));
    expect(verifyBootstrapToken(token, [trusted])).toBe('Genuine');
    expect(isTokenInForce(token.claims, NOW)).toBe(true);
    expect(token.claims).toMatchObject({
      hostname: 'web-01',
      expectedPubkeyFingerprint: HOST_FINGERPRINT,
      expiresAt: TOMORROW,
      nonce: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(err).not.toContain(token.claims.nonce);
  });

  test('writes a token where nothing stands, for its owner alone', async () => {
    const place = new Workplace();
    const { args } = await orgRoot(place);
    const out = place.path('t.json');
    const command = ['mint-token', '--hostname', 'h', '--csr-pubkey-fingerprint', HOST_FINGERPRINT, ...args];
    expect(await run([...command, '--out', out, '--validity-hours', '0.5'])).toMatchObject({
      code: 0,
      out: '',
    });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(place.json('t.json').claims.expiresAt).toBe('2026-06-01T10:30:00Z');
    expect(await run([...command, '--out', out])).toMatchObject({ code: 2 });
  });

  test.each([
    ['no key of the host', [], /exactly one of/],
    ['two keys of the host', ['--csr-pubkey-fingerprint', 'x', '--host-pubkey', 'y'], /exactly one of/],
    [
      'a fingerprint of another length',
      ['--csr-pubkey-fingerprint', 'AAAA'],
      /--csr-pubkey-fingerprint AAAA/,
    ],
    ['hours that are none', ['--validity-hours', '-1'], /number of hours/],
  ])('refuses %s', async (_, options, message) => {
    const place = new Workplace();
    const { args } = await orgRoot(place);
    const outcome = await run(['mint-token', '--hostname', 'h', ...args, ...options]);
    expect(outcome).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) });
  });

  test.each([
    ['that the fleet does not know', 'db-99', /hosts has no "db-99"/],
    ['without a declared key', 'web-02', /hosts\["web-02"\]\.pubkey is missing/],
  ])('refuses a host %s', async (_, hostname, message) => {
    const place = new Workplace();
    const { args } = await orgRoot(place);
    const fleet = place.write('f.json', fleetDocument());
    const outcome = await run(['mint-token', '--hostname', hostname, '--fleet-resolved', fleet, ...args]);
    expect(outcome).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });

  test('refuses an org root that is not Ed25519', async () => {
    const place = new Workplace();
    const { key } = await place.ci('ecdsa-p256');
    const command = ['mint-token', '--hostname', 'h', '--csr-pubkey-fingerprint', HOST_FINGERPRINT];
    expect(await run([...command, '--org-root-key', key])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--org-root-key .*signed with Ed25519/),
    });
  });
});

describe('mint-nonces', () => {
  async function token(place: Workplace, hostname: string, now = NOW as string): Promise<string> {
    if (!existsSync(place.path('org.pem'))) await orgRoot(place);
    const args = ['--csr-pubkey-fingerprint', HOST_FINGERPRINT, '--org-root-key', place.path('org.pem')];
    const { out } = await run(['mint-token', '--hostname', hostname, ...args], { now });
    return place.write(`${hostname}.token`, out);
  }

  test('lists the nonces of tokens, signed by CI; the list grows, and what has expired goes', async () => {
    const place = new Workplace();
    const { key, trust } = await place.ci();
    const list = place.path('nonces.json');
    const args = ['mint-nonces', '--key', key, '--out', list];
    expect(await run([...args, await token(place, 'web-01'), '--minted-by', 'ops'])).toMatchObject({
      code: 0,
      out: '',
    });
    const nonce = place.json('web-01.token').claims.nonce;
    const first = { nonce, hostname: 'web-01', expiresAt: TOMORROW, mintedAt: NOW, mintedBy: 'ops' };
    expect(place.json('nonces.json')).toMatchObject({ bootstrapNonces: [first], meta: { signedAt: NOW } });
    expect(await run(['verify', '--trust', trust, '--kind', 'bootstrap-nonces', list])).toMatchObject({
      code: 0,
    });

    const noon = '2026-06-01T12:00:00Z';
    await run([...args, await token(place, 'web-02', noon)], { now: noon });
    expect(place.json('nonces.json').bootstrapNonces).toMatchObject([first, { hostname: 'web-02' }]);

    const later = '2026-06-02T11:00:00Z';
    await run([...args, '--pair', `web-03=${'ab'.repeat(16)}`], { now: later });
    expect(place.json('nonces.json').bootstrapNonces).toMatchObject([
      { hostname: 'web-02' },
      { hostname: 'web-03' },
    ]);
    expect(await run(['verify', '--trust', trust, list], { now: later })).toMatchObject({ code: 0 });
  });

  test('lists a token once, however often it is given', async () => {
    const place = new Workplace();
    const { key } = await place.ci();
    const args = ['mint-nonces', '--key', key, '--out', place.path('n.json'), await token(place, 'web-01')];
    await run(args);
    await run(args);
    expect(place.json('n.json').bootstrapNonces).toHaveLength(1);
  });

  test.each([
    ['nothing to list', [], /give token files or --pair/],
    ['a pair that is none', ['--pair', 'web-01'], /HOST=NONCE/],
    ['a nonce in upper case', ['--pair', `h=${'AB'.repeat(16)}`], /HOST=NONCE/],
    [
      'two hosts for one nonce',
      ['--pair', `a=${'ab'.repeat(16)}`, '--pair', `b=${'ab'.repeat(16)}`],
      /more than once/,
    ],
    ['a place without room for a signature', ['--pair', `a=${'ab'.repeat(16)}`, '--out', '-'], /--out -/],
  ])('refuses %s', async (_, options, message) => {
    const place = new Workplace();
    const { key } = await place.ci();
    const outcome = await run(['mint-nonces', '--key', key, '--out', place.path('n.json'), ...options]);
    expect(outcome).toMatchObject({ code: 2, err: expect.stringMatching(message) });
    expect(existsSync(place.path('n.json'))).toBe(false);
  });

  test.each([
    ['that is no token', '{}', /wrong at version/],
    ['that is no JSON', 'x', /cannot be read as JSON/],
  ])('refuses a file %s', async (_, content, message) => {
    const place = new Workplace();
    const { key } = await place.ci();
    const outcome = await run([
      'mint-nonces',
      '--key',
      key,
      '--out',
      place.path('n'),
      place.write('t', content),
    ]);
    expect(outcome).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });

  test('refuses a token that has expired', async () => {
    const place = new Workplace();
    const { key } = await place.ci();
    const args = ['mint-nonces', '--key', key, '--out', place.path('n.json'), await token(place, 'web-01')];
    expect(await run(args, { now: TOMORROW })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/expiresAt/),
    });
  });

  test('refuses to give another host’s nonce away', async () => {
    const place = new Workplace();
    const { key } = await place.ci();
    const args = ['mint-nonces', '--key', key, '--out', place.path('n.json'), '--pair'];
    await run([...args, `a=${'ab'.repeat(16)}`]);
    expect(await run([...args, `b=${'ab'.repeat(16)}`])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/for a already/),
    });
  });

  test('does not begin the list anew where the one that stands there is damaged', async () => {
    const place = new Workplace();
    const { key } = await place.ci();
    const list = place.write('n.json', '{"schemaVersion":1');
    const outcome = await run(['mint-nonces', '--key', key, '--out', list, '--pair', `b=${'ab'.repeat(16)}`]);
    expect(outcome).toMatchObject({ code: 2, err: expect.stringMatching(/n\.json cannot be read as JSON/) });
    expect(place.read('n.json').toString()).toBe('{"schemaVersion":1');
  });
});

describe('mint-revocation', () => {
  test('revokes as of now, signed by CI, and keeps the other entries and members as they are', async () => {
    const place = new Workplace();
    const { key, trust } = await place.ci();
    const old = { hostname: 'db-01', notBefore: '2026-05-01T00:00:00+00:00', ticket: 'OPS-7' };
    const meta = { schemaVersion: 1, ciCommit: 'abc' };
    const list = place.write('r.json', { schemaVersion: 1, revocations: [old], meta, note: 'x' });
    const args = ['mint-revocation', '--key', key, '--out', list, '--hostname', 'web-01'];
    expect(await run([...args, '--reason', 'stolen', '--revoked-by', 'ops'])).toMatchObject({
      code: 0,
      out: '',
    });
    expect(place.json('r.json')).toEqual({
      schemaVersion: 1,
      note: 'x',
      revocations: [old, { hostname: 'web-01', notBefore: NOW, reason: 'stolen', revokedBy: 'ops' }],
      meta: { ...meta, signedAt: NOW, signatureAlgorithm: 'ed25519' },
    });
    expect(await run(['verify', '--trust', trust, '--kind', 'revocations', list])).toMatchObject({ code: 0 });
  });

  test('is never moved back in time', async () => {
    const place = new Workplace();
    const { key } = await place.ci();
    const args = ['mint-revocation', '--key', key, '--out', place.path('r.json'), '--hostname', 'web-01'];
    await run(args);
    const { err } = await run([...args, '--not-before', '2026-01-01T00:00:00Z']);
    expect(err).toContain(`as of ${NOW} already`);
    expect(place.json('r.json').revocations).toEqual([{ hostname: 'web-01', notBefore: NOW }]);
    await run([...args, '--not-before', '2026-06-01T13:00:00+02:00']);
    expect(place.json('r.json').revocations).toEqual([
      { hostname: 'web-01', notBefore: '2026-06-01T11:00:00Z' },
    ]);
  });

  test('refuses a time without an offset', async () => {
    const args = [
      'mint-revocation',
      '--key',
      'k',
      '--out',
      'r',
      '--hostname',
      'h',
      '--not-before',
      '2026-01-01',
    ];
    expect(await run(args)).toMatchObject({ code: 2, err: expect.stringMatching(/Give a time/) });
  });
});
