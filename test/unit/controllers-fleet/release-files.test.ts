import { signatureOf } from '../../../src/core/artifacts/signature-file.ts';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { releaseOfConfigMaps, SourceFault } from '../../../src/controllers/fleet/release-files.ts';
import type { PublishedRelease, SignedDocument } from '../../../src/core/artifacts/release.ts';
import {
  asBinary,
  asText,
  cut,
  packed,
  type ConfigMapContent,
  type ReleaseFiles,
} from '../../support/release.ts';

const SIGNATURE = Buffer.alloc(64, 0xfe);
const DOCUMENTS: ReleaseFiles = new Map([
  ['fleet.resolved.json', Buffer.from('{"fleet":"ä"}\n')],
  ['stable.manifest.json', Buffer.from('{"channel":"stable"}')],
  ['edge.manifest.json', Buffer.from('{"channel":"edge"}')],
]);
const FILES: ReleaseFiles = new Map(
  [...DOCUMENTS].flatMap(([name, bytes]) => [
    [name, bytes],
    [`${name}.sig`, SIGNATURE],
  ]),
);

function read(...contents: ConfigMapContent[]): Promise<PublishedRelease> {
  return releaseOfConfigMaps(
    contents.map((content, index) => ({ metadata: { name: `part-${index}` }, ...content })),
  );
}

async function faultOf(...contents: ConfigMapContent[]): Promise<string> {
  try {
    await read(...contents);
  } catch (error) {
    if (error instanceof SourceFault) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'none';
}

/** A release as names and texts. */
function shown({ fleet, manifests }: PublishedRelease) {
  const text = ({ bytes, signature }: SignedDocument) => [
    Buffer.from(bytes).toString(),
    Buffer.from(signature).toString('hex'),
  ];
  return [text(fleet), ...manifests.map(({ channel, document }) => [channel, ...text(document)])];
}

const SHOWN = [
  ['{"fleet":"ä"}\n', SIGNATURE.toString('hex')],
  ['edge', '{"channel":"edge"}', SIGNATURE.toString('hex')],
  ['stable', '{"channel":"stable"}', SIGNATURE.toString('hex')],
];

function without(files: ReleaseFiles, name: string): ReleaseFiles {
  return new Map([...files].filter(([file]) => file !== name));
}

/** Text for `data` where it holds bytes that are no text. */
function asBase64Text(files: ReleaseFiles, line = Infinity): ConfigMapContent {
  const wrapped = (bytes: Buffer): string =>
    (bytes.toString('base64').match(new RegExp(`.{1,${line === Infinity ? '' : line}}`, 'g')) ?? []).join(
      '\n',
    );
  return { data: Object.fromEntries([...files].map(([name, bytes]) => [name, `${wrapped(bytes)}\n`])) };
}

describe('a release in ConfigMaps', () => {
  it.each<[string, readonly ConfigMapContent[]]>([
    ['as text, with signatures in base64', [asText(FILES)]],
    ['as bytes', [asBinary(FILES)]],
    ['packed, as bytes', [asBinary(packed(FILES))]],
    ['packed, as base64 text', [asBase64Text(packed(FILES))]],
    ['packed, as base64 text of short lines', [asBase64Text(packed(FILES), 60)]],
    ['packed and cut', [asBinary(cut(FILES, 16))]],
    ['in several ConfigMaps', [...FILES].map(([name, bytes]) => asBinary(new Map([[name, bytes]])))],
    [
      'in parts over several ConfigMaps, in any order',
      [...cut(FILES, 16)].toReversed().map(([name, bytes]) => asBinary(new Map([[name, bytes]]))),
    ],
    [
      'beside keys that are none of its files',
      [asText(FILES), { data: { 'README.md': 'hello', 'x.json': '{}' }, binaryData: { logo: 'AAAA' } }],
    ],
    ['beside an empty ConfigMap', [asText(FILES), {}]],
  ])('is read %s: exact bytes, manifests by channel', async (_, contents) => {
    expect(shown(await read(...contents))).toEqual(SHOWN);
  });

  it('keeps bytes that are no UTF-8, so that their signature can be judged', async () => {
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const { fleet } = await read(asBinary(new Map([...FILES, ['fleet.resolved.json', bytes]])));
    expect(fleet.bytes).toEqual(bytes);
  });

  it('has more than ten parts in the order of their numbers', async () => {
    const one = new Map([
      [
        'fleet.resolved.json',
        Buffer.from(JSON.stringify([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => `${digit}`.repeat(9)))),
      ],
    ]);
    const parts = cut(one, 4);
    expect(parts.size).toBeGreaterThan(10);
    const rest = asText(without(FILES, 'fleet.resolved.json'));
    expect(Buffer.from((await read(rest, asBinary(parts))).fleet.bytes)).toEqual(
      one.get('fleet.resolved.json'),
    );
  });

  it.each([
    [
      'fleet.resolved.json',
      'no ConfigMap of spec.source.configMapRefs has the key fleet.resolved.json: publish the document under that name',
    ],
    [
      'fleet.resolved.json.sig',
      'no ConfigMap of spec.source.configMapRefs has the key fleet.resolved.json.sig: publish the signature, too',
    ],
    [
      'edge.manifest.json.sig',
      'no ConfigMap of spec.source.configMapRefs has the key edge.manifest.json.sig: publish the signature, too',
    ],
  ])('misses a key: %s', async (name, message) => {
    expect(await faultOf(asText(without(FILES, name)))).toBe(`MissingKey: ${message}`);
  });

  const duplicate = (name: string): string =>
    `DuplicateKey: ${name} is given twice in spec.source.configMapRefs: keep one`;
  const fleetOnly = new Map([['fleet.resolved.json', Buffer.from('{}')]]);

  it.each<[string, ConfigMapContent, string]>([
    ['in two ConfigMaps', asText(fleetOnly), 'fleet.resolved.json'],
    ['packed and as it is', asBinary(packed(fleetOnly)), 'fleet.resolved.json'],
  ])('has no file twice: %s', async (_, other, name) => {
    expect(await faultOf(asText(FILES), other)).toBe(duplicate(name));
  });

  it.each([
    [
      'whole and as part 0',
      ['fleet.resolved.json.gz', 'fleet.resolved.json.gz.0'],
      'fleet.resolved.json.gz.0',
    ],
    [
      'as part 1 and part 01',
      ['fleet.resolved.json.gz.1', 'fleet.resolved.json.gz.01'],
      'fleet.resolved.json.gz.01',
    ],
  ])('has no part twice: %s', async (_, keys, name) => {
    const contents = keys.map((key) => asBinary(new Map([[key, gzipSync('{}')]])));
    expect(await faultOf(...contents)).toBe(duplicate(name));
  });

  it('misses a part between others, or at their beginning', async () => {
    const parts = cut(FILES, 16);
    const missing = (name: string) => faultOf(asBinary(without(parts, name)));
    expect(await missing('fleet.resolved.json.gz.0')).toBe(
      'MissingKey: fleet.resolved.json.gz.0 is missing between the parts of fleet.resolved.json.gz',
    );
    expect(await missing('fleet.resolved.json.gz.1')).toMatch(
      /^MissingKey: fleet\.resolved\.json\.gz\.1 is missing/,
    );
  });

  it('cannot be unpacked where its last part is missing, or it is no gzip', async () => {
    const one = cut(new Map([['fleet.resolved.json', Buffer.from('x'.repeat(100))]]), 16);
    const last = [...one.keys()].at(-1) ?? '';
    const unreadable = /^SourceUnreadable: fleet\.resolved\.json\.gz cannot be unpacked: ./;
    expect(await faultOf(asBinary(without(one, last)))).toMatch(unreadable);
    expect(await faultOf({ data: { 'fleet.resolved.json.gz': '{}' } })).toMatch(unreadable);
  });

  it('has at most 64 parts per file', async () => {
    const parts = (count: number): Map<string, Buffer> => {
      const whole = gzipSync('{}');
      const keys = Array.from({ length: count }, (_, index) => `fleet.resolved.json.gz.${index}`);
      return new Map(keys.map((key, index) => [key, index === 0 ? whole : Buffer.alloc(0)]));
    };
    const rest = asText(without(FILES, 'fleet.resolved.json'));
    expect(await faultOf(rest, asBinary(parts(64)))).toBe('none');
    expect(await faultOf(rest, asBinary(parts(65)))).toBe(
      'SourceUnreadable: fleet.resolved.json.gz has more than 64 parts',
    );
  });

  it('unpacks to no more than a process can bear', async () => {
    const bomb = gzipSync(Buffer.alloc(128 * 1024 * 1024 + 1));
    expect(await faultOf(asBinary(new Map([['fleet.resolved.json.gz', bomb]])))).toMatch(
      /^SourceUnreadable: .* cannot be unpacked/,
    );
  });
});

describe('a signature', () => {
  it.each([
    ['raw bytes', SIGNATURE],
    ['base64', Buffer.from(SIGNATURE.toString('base64'))],
    ['base64 with a line break', Buffer.from(`${SIGNATURE.toString('base64')}\n`)],
  ])('may be given as %s', (_, file) => {
    expect(signatureOf(file)).toEqual(SIGNATURE);
  });
});
