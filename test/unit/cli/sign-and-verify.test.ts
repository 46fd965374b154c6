import { existsSync, readdirSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fleetDocument, run, Workplace } from './harness.ts';

const signedMeta = { signedAt: '2026-06-01T09:50:00Z' };

describe.each(['ed25519', 'ecdsa-p256'])('with a key of %s', (algorithm) => {
  test('what sign writes, verify accepts: 64 raw bytes beside a document that stays as it is', async () => {
    const place = new Workplace();
    const { key, trust } = await place.ci(algorithm);
    const fleet = place.write('fleet.json', fleetDocument(signedMeta));
    const before = place.read('fleet.json');
    expect(await run(['sign', '--key', key, fleet])).toMatchObject({ code: 0, out: '' });
    expect(place.read('fleet.json')).toEqual(before);
    expect(place.read('fleet.json.sig')).toHaveLength(64);
    const verdict = await run(['verify', '--trust', trust, fleet]);
    expect(verdict).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(verdict.out)).toEqual({
      kind: 'fleet',
      signedAt: signedMeta.signedAt,
      sha256: (await run(['canonicalize', '--sha256', fleet])).out.trim(),
    });
  });
});

test('the signature covers the content and not the layout', async () => {
  const place = new Workplace();
  const { key, trust } = await place.ci();
  const document = fleetDocument(signedMeta);
  const fleet = place.write('fleet.json', document);
  await run(['sign', '--key', key, fleet]);
  place.write('fleet.json', JSON.stringify(document));
  expect(await run(['verify', '--trust', trust, fleet])).toMatchObject({ code: 0 });
  place.write('fleet.json', { ...document, edges: [{ gated: 'web-01', gates: 'web-02' }] });
  expect(await run(['verify', '--trust', trust, fleet])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('BadSignature'),
  });
});

test('--stamp dates the document, names the algorithm, and keeps members that only later versions know', async () => {
  const place = new Workplace();
  const { key, trust } = await place.ci('ecdsa-p256');
  const fleet = place.write('fleet.json', fleetDocument());
  expect(await run(['sign', '--stamp', '--key', key, fleet])).toMatchObject({ code: 0 });
  expect(place.json('fleet.json')).toEqual(
    fleetDocument({ signedAt: '2026-06-01T10:00:00Z', signatureAlgorithm: 'ecdsa-p256' }),
  );
  expect(place.read('fleet.json').toString()).toMatch(/^\{\n {2}"schemaVersion": 1,\n/);
  expect(await run(['verify', '--trust', trust, fleet])).toMatchObject({ code: 0 });
});

test('--stamp leaves a document in one line in one line', async () => {
  const place = new Workplace();
  const { key } = await place.ci();
  const fleet = place.write('fleet.json', JSON.stringify(fleetDocument()));
  await run(['sign', '--stamp', '--key', key, fleet]);
  expect(place.read('fleet.json').toString()).not.toContain('\n');
});

test('"-" reads stdin and puts the raw signature on stdout, or its base64', async () => {
  const place = new Workplace();
  const { key, trust } = await place.ci();
  const stdin = JSON.stringify(fleetDocument(signedMeta));
  const { outBytes } = await run(['sign', '--key', key, '-'], { stdin });
  expect(outBytes).toHaveLength(64);
  const { out } = await run(['sign', '--key', key, '--base64', '-'], { stdin });
  expect(out).toBe(`${outBytes.toString('base64')}\n`);
  const signature = place.write('base64.sig', out);
  expect(await run(['verify', '--trust', trust, '-', signature], { stdin })).toMatchObject({ code: 0 });
});

test('of several files nothing is written if one of them is wrong', async () => {
  const place = new Workplace();
  const { key } = await place.ci();
  const good = place.write('good.json', fleetDocument());
  const bad = place.write('bad.json', { ...fleetDocument(), hosts: 5 });
  const before = place.read('good.json');
  const outcome = await run(['sign', '--stamp', '--key', key, good, bad]);
  expect(outcome).toMatchObject({
    code: 2,
    err: expect.stringMatching(/bad\.json is no valid fleet; wrong at hosts/),
  });
  expect(place.read('good.json')).toEqual(before);
  expect(readdirSync(place.folder).toSorted()).toEqual(['bad.json', 'ci.pem', 'good.json', 'trust.json']);
});

test('nothing is half written where a signature has no place to go to', async () => {
  const place = new Workplace();
  const { key } = await place.ci();
  const good = place.write('good.json', fleetDocument(signedMeta));
  const outcome = await run(['sign', '--key', key, good, place.path('missing/fleet.json')]);
  expect(outcome).toMatchObject({
    code: 2,
    err: expect.stringContaining('missing/fleet.json does not exist'),
  });
  expect(existsSync(`${good}.sig`)).toBe(false);
});

describe('sign refuses, naming file and field,', () => {
  const unsigned = fleetDocument();
  test.each([
    ['a document that nobody dated', unsigned, [], /meta\.signedAt is missing.*--stamp/],
    ['a version that nobody knows', { ...unsigned, schemaVersion: 2 }, ['--stamp'], /schemaVersion is 2/],
    ['a wrong member', { ...unsigned, edges: null }, ['--stamp'], /no valid fleet; wrong at edges/],
    [
      'another kind than it was told',
      unsigned,
      ['--stamp', '--kind', 'revocations'],
      /no valid revocations; wrong at revocations/,
    ],
    ['what is no document at all', { hello: 1 }, ['--stamp'], /say what it shall be with --kind/],
    ['a list', [], ['--stamp'], /holds no JSON object/],
    ['truncated JSON', '{"schemaVersion": 1', ['--stamp'], /cannot be read as JSON/],
    ['a meta that is no object', { ...unsigned, meta: 'x' }, ['--stamp'], /wrong at meta/],
  ])('%s', async (_, document, options, message) => {
    const place = new Workplace();
    const { key } = await place.ci();
    const path = place.write('doc.json', document);
    const outcome = await run(['sign', '--key', key, ...options, path]);
    expect(outcome).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) });
    expect(outcome.err).toContain('doc.json');
    expect(existsSync(`${path}.sig`)).toBe(false);
  });

  test('a key file that is no key, without showing it', async () => {
    const place = new Workplace();
    const key = place.write('key.pem', 'TOP SECRET');
    const outcome = await run(['sign', '--key', key, place.write('f.json', unsigned)]);
    expect(outcome).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--key .*key\.pem.*PEM private key/),
    });
    expect(outcome.err).not.toContain('SECRET');
  });

  test.each([
    ['an option that is missing', ['sign', 'f.json'], /required option '--key <file>'/],
    ['"-" with --stamp', ['sign', '--key', 'k', '--stamp', '-'], /"-" leaves no place/],
    ['"-" among files', ['sign', '--key', 'k', '-', 'f'], /"-" stands alone/],
    ['an unknown kind', ['sign', '--key', 'k', '--kind', 'flet', 'f'], /Allowed choices/],
  ])('%s', async (_, args, message) => {
    expect(await run(args)).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });
});

test('a document that agents would call too old is signed with a warning', async () => {
  const place = new Workplace();
  const { key } = await place.ci();
  const fleet = place.write('fleet.json', fleetDocument({ signedAt: '2026-06-01T09:00:00Z' }));
  const { code, err } = await run(['sign', '--key', key, fleet]);
  expect(code).toBe(0);
  expect(err).toMatch(/too old for agents already/);
});

describe('verify answers exit code 1 where the document does not hold:', () => {
  test.each([
    ['too old', { now: '2026-07-15T10:00:00Z' }, [], 'Stale'],
    ['too old for the freshness asked for', { now: '2026-06-01T11:00:00Z' }, ['--freshness', '30m'], 'Stale'],
    ['from the future', { now: '2026-06-01T09:40:00Z' }, [], 'FutureDated'],
    ['of another kind', {}, ['--kind', 'rollout-manifest'], 'Parse'],
    ['judged as of later', {}, ['--at', '2027-01-01T00:00:00Z'], 'Stale'],
  ])('%s', async (_, options, args, reason) => {
    const place = new Workplace();
    const { key, trust } = await place.ci();
    const fleet = place.write('fleet.json', fleetDocument(signedMeta));
    await run(['sign', '--key', key, fleet]);
    const outcome = await run(['verify', '--trust', trust, ...args, fleet], options);
    expect(outcome).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(`fleet.json: ${reason}: `),
    });
  });

  test('signed before the slot’s rejectBefore', async () => {
    const place = new Workplace();
    const { key, trust } = await place.ci();
    const { ciReleaseKey, ...rest } = place.json('trust.json');
    place.write('trust.json', {
      ...rest,
      ciReleaseKey: { ...ciReleaseKey, rejectBefore: '2026-06-01T09:51:00Z' },
    });
    const fleet = place.write('fleet.json', fleetDocument(signedMeta));
    await run(['sign', '--key', key, fleet]);
    expect(await run(['verify', '--trust', trust, fleet])).toMatchObject({
      code: 1,
      err: expect.stringContaining('RejectedBeforeTimestamp'),
    });
  });

  test.each([
    ['not JSON', '{'],
    ['of no kind that it knows', '{"hello":1}'],
  ])('%s', async (_, content) => {
    const place = new Workplace();
    const { trust } = await place.ci();
    const path = place.write('f.json', content);
    place.write('f.json.sig', Buffer.alloc(64));
    expect(await run(['verify', '--trust', trust, path])).toMatchObject({ code: 1, out: '' });
  });
});

describe('verify answers exit code 2 where it could not look:', () => {
  test.each([
    ['no signature', ['verify', '--trust', 'TRUST', 'FLEET'], /fleet\.json\.sig does not exist/],
    ['no trust config', ['verify', '--trust', 'nowhere.json', 'FLEET'], /nowhere\.json does not exist/],
    ['a trust config that is none', ['verify', '--trust', 'FLEET', 'FLEET'], /wrong at ciReleaseKey/],
    ['no duration', ['verify', '--trust', 'TRUST', '--freshness', 'x', 'FLEET'], /Give a duration/],
    ['no time', ['verify', '--trust', 'TRUST', '--at', 'now', 'FLEET'], /Give a time/],
    ['stdin without a signature', ['verify', '--trust', 'TRUST', '-'], /give the signature file/],
  ])('%s', async (_, args, message) => {
    const place = new Workplace();
    const { trust } = await place.ci();
    const fleet = place.write('fleet.json', fleetDocument(signedMeta));
    const filled = args.map((arg) => (arg === 'TRUST' ? trust : arg === 'FLEET' ? fleet : arg));
    expect(await run(filled)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) });
  });
});

test('the files that sign writes are readable by all', async () => {
  const place = new Workplace();
  const { key } = await place.ci();
  const fleet = place.write('fleet.json', fleetDocument());
  await run(['sign', '--stamp', '--key', key, fleet]);
  const umask = process.umask();
  for (const file of [fleet, `${fleet}.sig`]) expect(statSync(file).mode & 0o777).toBe(0o644 & ~umask);
});
