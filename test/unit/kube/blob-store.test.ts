import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BlobNameTakenError, configMapResource, getBlob, putBlob } from '../../../src/kube/blob-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryApi } from '../../support/memory-api.ts';

const LOCATION = { namespace: 'ns', prefix: 'lab', labels: { 'nixfleet.dev/fleet': 'lab' } };
const TEXT = Buffer.from('the content in force');
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

/** A ConfigMap as it is stored, without its bytes. */
function metadataOf(api: MemoryApi, name = ''): object {
  const { apiVersion, kind, metadata } = api.peek({ namespace: 'ns', name }) ?? { metadata: { name } };
  return { apiVersion, kind, metadata };
}

function store() {
  const api = new MemoryApi();
  return { api, client: api.client(new ManualClock()) };
}

describe('a blob', () => {
  it('is kept in immutable, labelled ConfigMaps named after its hash', async () => {
    const { api, client } = store();
    const name = `lab-${hashOf(TEXT)}-0`;
    expect(await putBlob(client, LOCATION, TEXT)).toMatchObject({ names: [name], replaced: [] });
    expect(api.peek({ namespace: 'ns', name })).toMatchObject({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { labels: LOCATION.labels },
      immutable: true,
    });
    expect(await getBlob(client, 'ns', [name])).toEqual(TEXT);
  });

  it('is written once, however often it is stored', async () => {
    const { api, client } = store();
    const stored = await putBlob(client, LOCATION, TEXT);
    expect(stored.parts).toEqual([metadataOf(api, stored.names[0])]);
    expect(await putBlob(client, LOCATION, TEXT)).toEqual(stored);
    expect(api.writes).toHaveLength(1);
  });

  it('may be empty', async () => {
    const { client } = store();
    const empty = Buffer.alloc(0);
    expect(await getBlob(client, 'ns', (await putBlob(client, LOCATION, empty)).names)).toEqual(empty);
  });

  it('is cut into pieces that the API server accepts, and put together in order', async () => {
    const { api, client } = store();
    const bytes = randomBytes(1_500_000);
    const { names } = await putBlob(client, LOCATION, bytes);
    expect(names).toEqual([0, 1, 2].map((index) => `lab-${hashOf(bytes)}-${index}`));
    for (const name of names)
      expect(JSON.stringify(api.peek({ namespace: 'ns', name })).length).toBeLessThan(1024 * 1024);
    expect((await getBlob(client, 'ns', names)).equals(bytes)).toBe(true);
    await expect(getBlob(client, 'ns', names.toReversed())).rejects.toThrow();
  });

  it('is not stored where it would need more ConfigMaps than an object may refer to', async () => {
    const { api, client } = store();
    await expect(putBlob(client, LOCATION, randomBytes(690_000 * 64))).rejects.toThrow(
      'needs more than 64 ConfigMaps',
    );
    expect(api.writes).toEqual([]);
  });

  it('is not taken as stored where the API server does not answer', async () => {
    const { client } = store();
    client.mode = 'refuse';
    await expect(putBlob(client, LOCATION, TEXT)).rejects.toThrow('no answer');
  });
});

describe('what stands under the name of a blob already', () => {
  const name = `lab-${hashOf(TEXT)}-0`;
  const packed = (bytes: Buffer) => ({ binaryData: { 'content.gz': bytes.toString('base64') } });

  async function put(content: object, labels: Record<string, string> = LOCATION.labels) {
    const { api, client } = store();
    const found = await client.create(configMapResource, {
      metadata: { name, namespace: 'ns', labels },
      ...content,
    });
    const outcome = await putBlob(client, LOCATION, TEXT).catch((error: unknown) => error);
    return { api, client, found, outcome };
  }

  it.each([
    ['other content', packed(gzipSync('forged'))],
    ['no gzip', packed(TEXT)],
    ['nothing', {}],
  ])('is replaced where it holds %s and is labelled as content', async (_, content) => {
    const { api, client, found, outcome } = await put(content);
    expect(outcome).toMatchObject({ names: [name], replaced: [name] });
    expect(api.writes.map((write) => write.split(' ')[0])).toEqual(['create', 'delete', 'create']);
    expect(api.peek({ namespace: 'ns', name })?.metadata.uid).not.toBe(found.metadata.uid);
    expect(await getBlob(client, 'ns', [name])).toEqual(TEXT);
  });

  it('is left alone, and the blob not stored, where somebody else made it', async () => {
    const { api, found, outcome } = await put(packed(gzipSync('mine')), { 'nixfleet.dev/fleet': 'other' });
    expect(outcome).toBeInstanceOf(BlobNameTakenError);
    expect(outcome).toMatchObject({ message: expect.stringMatching(`^ConfigMap ${name} .*: delete it$`) });
    expect(api.peek({ namespace: 'ns', name })).toEqual(found);
  });

  it('is somebody else’s where nothing marks blobs at all', async () => {
    const { client } = store();
    await client.create(configMapResource, { metadata: { name, namespace: 'ns' } });
    await expect(putBlob(client, { ...LOCATION, labels: {} }, TEXT)).rejects.toThrow(BlobNameTakenError);
  });

  it.each([
    ['the same bytes, whoever made it', gzipSync(TEXT, { level: 9 }), {}],
    ['the same content, packed by another zlib', gzipSync(TEXT, { level: 0 }), LOCATION.labels],
  ])('is taken where it holds %s', async (_, bytes, labels) => {
    const { api, outcome } = await put(packed(bytes), labels);
    expect(outcome).toMatchObject({ names: [name], replaced: [] });
    expect(api.writes).toHaveLength(1);
  });

  it('is replaced part by part where only one of several is wrong', async () => {
    const { api, client } = store();
    const bytes = randomBytes(1_500_000);
    const { names } = await putBlob(client, LOCATION, bytes);
    const [, second = ''] = names;
    api.drop({ namespace: 'ns', name: second });
    const metadata = { name: second, namespace: 'ns', labels: LOCATION.labels };
    await client.create(configMapResource, { metadata, ...packed(gzipSync('forged')) });
    expect((await putBlob(client, LOCATION, bytes)).replaced).toEqual([second]);
    expect((await getBlob(client, 'ns', names)).equals(bytes)).toBe(true);
  });
});

describe('reading a blob', () => {
  const name = `lab-${hashOf(TEXT)}-0`;

  async function readOf(content: object): Promise<Buffer> {
    const { client } = store();
    await client.create(configMapResource, { metadata: { name, namespace: 'ns' }, ...content });
    return getBlob(client, 'ns', [name]);
  }

  const stored = (bytes: Buffer) => ({ binaryData: { 'content.gz': bytes.toString('base64') } });

  it('goes by what the name promises', async () => {
    expect(await readOf(stored(gzipSync(TEXT)))).toEqual(TEXT);
    await expect(readOf(stored(gzipSync('forged')))).rejects.toThrow(
      `the content of ${name} does not match its name`,
    );
  });

  it.each([
    [
      'a ConfigMap has no such key',
      { binaryData: { other: '' } },
      `ConfigMap ${name} has no binaryData["content.gz"]`,
    ],
    ['a ConfigMap is empty', {}, `ConfigMap ${name} has no binaryData["content.gz"]`],
    ['the bytes are no gzip', stored(TEXT), /incorrect header/],
  ])('fails where %s', async (_, content, message) => {
    await expect(readOf(content)).rejects.toThrow(message);
  });

  it('fails where a ConfigMap is gone', async () => {
    await expect(getBlob(store().client, 'ns', [name])).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('fails where no names are given, or names that promise nothing', async () => {
    const { client } = store();
    await client.create(configMapResource, {
      metadata: { name: 'lab', namespace: 'ns' },
      ...stored(gzipSync(TEXT)),
    });
    await expect(getBlob(client, 'ns', [])).rejects.toThrow();
    await expect(getBlob(client, 'ns', ['lab'])).rejects.toThrow('does not match its name');
  });
});
