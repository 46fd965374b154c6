import { describe, expect, it } from 'vitest';
import {
  verifyRelease,
  type PublishedManifest,
  type PublishedRelease,
  type ReleaseTrust,
  type SignedDocument,
} from '../../../src/core/artifacts/release.ts';
import { decodeReleaseBundle, encodeReleaseBundle } from '../../../src/core/artifacts/release-bundle.ts';
import { sha256Hex } from '../../../src/core/artifacts/hash.ts';
import { signDocument, type SigningKey } from '../../../src/core/artifacts/sign.ts';
import { smallFleetDocuments, type SmallFleet } from '../../support/small-fleet.ts';
import { at, edKey } from './fixtures.ts';

const NOW = at('2026-05-16T01:00:00Z');
const CI = edKey(7);
const STRANGER = edKey(8);
const TRUST: ReleaseTrust = { keys: [CI.trusted], now: NOW, freshnessWindowSeconds: 3600 };
const FLEET_FILE = 'fleet.resolved.json';

const LAB: SmallFleet = {
  channels: { stable: { waves: [['web-01'], ['web-02']] }, edge: { waves: [['edge-01']] } },
};

/** A document as text that tests edit member by member. */
interface Draft {
  fleet: string;
  manifests: Record<string, string>;
}

function draft(fleet: SmallFleet = LAB): Draft {
  const documents = smallFleetDocuments(fleet, NOW);
  const manifests = [...documents].flatMap(([name, text]) =>
    name === FLEET_FILE ? [] : [[name.replace('.manifest.json', ''), text] as const],
  );
  return { fleet: documents.get(FLEET_FILE) ?? '', manifests: Object.fromEntries(manifests) };
}

function sign(text: string, key: SigningKey = CI): SignedDocument {
  return { bytes: Buffer.from(text), signature: signDocument(text, key).signature };
}

function publish({ fleet, manifests }: Draft): PublishedRelease {
  return {
    fleet: sign(fleet),
    manifests: Object.entries(manifests).map(([channel, text]) => ({ channel, document: sign(text) })),
  };
}

/** What tests change of a manifest. */
interface ManifestDraft {
  channel: string;
  channelRef: string;
  fleetResolvedHash: string;
  hostSet: { hostname: string; waveIndex: number; targetClosure: string }[];
}

function edit(text: string | undefined, change: (manifest: ManifestDraft) => void): string {
  const manifest = JSON.parse(text ?? '') as ManifestDraft;
  change(manifest);
  return JSON.stringify(manifest);
}

function webOne(hostSet: ManifestDraft['hostSet']): ManifestDraft['hostSet'][number] {
  const [first] = hostSet;
  if (first?.hostname !== 'web-01') throw new Error('web-01 is not the first host');
  return first;
}

/** The draft with the manifest of `stable` changed and signed anew. */
function withStable(change: (manifest: ManifestDraft) => void): PublishedRelease {
  const made = draft();
  return publish({
    ...made,
    manifests: { ...made.manifests, stable: edit(made.manifests['stable'], change) },
  });
}

function refusalOf(published: PublishedRelease, trust: ReleaseTrust = TRUST) {
  const verdict = verifyRelease(published, trust);
  return verdict.ok ? 'accepted' : { reason: verdict.reason, message: verdict.message };
}

describe('a release', () => {
  it('goes into force whole: the fleet, and a manifest per channel, ascending', () => {
    const made = draft();
    const verdict = verifyRelease(publish(made), TRUST);
    if (!verdict.ok) throw new Error(verdict.message);
    const { release } = verdict;
    expect(release).toMatchObject({ signedAt: NOW, ciCommit: '1'.repeat(40) });
    expect(release.sha256).toBe(signDocument(made.fleet, CI).canonicalSha256);
    expect(Buffer.from(release.bytes).toString()).toBe(made.fleet);
    expect([...release.manifests.keys()]).toEqual(['edge', 'stable']);
    const stable = release.manifests.get('stable');
    expect(stable).toMatchObject({
      channel: 'stable',
      rolloutId: `stable@${'1'.repeat(40)}`,
      signedAt: NOW,
      sha256: signDocument(made.manifests['stable'] ?? '', CI).canonicalSha256,
    });
    expect(Buffer.from(stable?.bytes ?? []).toString()).toBe(made.manifests['stable']);
    expect(stable?.signature).toEqual(signDocument(made.manifests['stable'] ?? '', CI).signature);
    expect(stable?.manifest.hostSet.map(({ hostname }) => hostname)).toEqual(['web-01', 'web-02']);
  });

  it('takes manifests whose channel no file name promises', () => {
    const published = publish(draft());
    const anonymous = published.manifests.map(({ document }) => ({ document }));
    expect(refusalOf({ ...published, manifests: anonymous })).toBe('accepted');
  });

  it('needs no manifest for a channel of which nothing is built', () => {
    const made = draft({ ...LAB, targets: { 'edge-01': null } });
    expect(Object.keys(made.manifests)).toEqual(['stable']);
    expect(refusalOf(publish(made))).toBe('accepted');
  });

  it('may have no channels, and no commit', () => {
    const empty = draft({ channels: {} });
    const fleet = JSON.stringify({
      ...(JSON.parse(empty.fleet) as object),
      meta: { schemaVersion: 1, signedAt: NOW },
    });
    const verdict = verifyRelease(publish({ fleet, manifests: {} }), TRUST);
    expect(verdict).toMatchObject({ ok: true, release: { ciCommit: '', manifests: new Map() } });
  });

  it('may list the hosts of a manifest in any order', () => {
    expect(refusalOf(withStable((manifest) => (manifest.hostSet = manifest.hostSet.toReversed())))).toBe(
      'accepted',
    );
  });
});

describe('a release is refused as a whole where', () => {
  it('the fleet has a signature that nobody trusts', () => {
    const made = draft();
    const published = { ...publish(made), fleet: sign(made.fleet, STRANGER) };
    expect(refusalOf(published)).toMatchObject({
      reason: 'BadSignature',
      message: expect.stringMatching(/^fleet\.resolved\.json: /),
    });
  });

  it('one manifest has a signature that nobody trusts', () => {
    const published = publish(draft());
    const [first, ...others] = published.manifests;
    const forged: PublishedManifest = {
      channel: 'stable',
      document: sign(draft().manifests['stable'] ?? '', STRANGER),
    };
    expect(first?.channel).toBe('stable');
    expect(refusalOf({ ...published, manifests: [forged, ...others] })).toMatchObject({
      reason: 'BadSignature',
      message: expect.stringMatching(/^stable\.manifest\.json: /),
    });
    expect(refusalOf({ ...published, manifests: [{ document: forged.document }, ...others] })).toMatchObject({
      message: expect.stringMatching(/^a manifest: /),
    });
  });

  it('the fleet is older than the window, though it was accepted before', () => {
    const published = publish(draft({ ...LAB, ageMs: 3_661_000 }));
    expect(refusalOf(published)).toMatchObject({ reason: 'Stale' });
    expect(refusalOf(published, { ...TRUST, freshnessWindowSeconds: undefined })).toBe('accepted');
  });

  it('the fleet was signed before the cut-off of the key', () => {
    const trust = { ...TRUST, rejectBefore: at('2026-05-16T01:00:00.000000001Z') };
    expect(refusalOf(publish(draft()), trust)).toMatchObject({ reason: 'RejectedBeforeTimestamp' });
  });

  it('two manifests are for one channel', () => {
    const published = publish(draft());
    const again = published.manifests.filter(({ channel }) => channel === 'edge');
    expect(refusalOf({ ...published, manifests: [...published.manifests, ...again] })).toEqual({
      reason: 'DuplicateManifest',
      message: 'two manifests are for channel "edge": publish one',
    });
  });

  it('a manifest is named after another channel', () => {
    const { edge = '', stable = '' } = draft().manifests;
    expect(refusalOf(publish({ ...draft(), manifests: { edge: stable, stable: edge } }))).toEqual({
      reason: 'UndeclaredChannel',
      message: 'edge.manifest.json is for channel "stable": name the file after its channel',
    });
  });

  it.each([
    ['a channel in capitals', 'Stable', '1'.repeat(40)],
    ['a channel with a slash', 'a/b', '1'.repeat(40)],
    ['no channel', '', '1'.repeat(40)],
    ['a ref that is no hex', 'stable', 'main'],
    ['a ref in capitals', 'stable', 'ABCDEF'],
    ['no ref', 'stable', ''],
    ['two refs', 'stable', '1@2'],
    ['a line break', 'stable', '1\n'],
    ['text in front', 'x stable', '1'],
  ])('an id could never be fetched by an agent: %s', (_, channel, channelRef) => {
    const { stable } = draft().manifests;
    const text = edit(stable, (manifest) => Object.assign(manifest, { channel, channelRef }));
    const published = { ...publish(draft()), manifests: [{ document: sign(text) }] };
    expect(refusalOf(published)).toMatchObject({
      reason: 'InvalidRolloutId',
      message: expect.stringMatching(`^"${channel}@${channelRef}" is no id that agents can fetch`),
    });
  });

  it.each([
    ['that the fleet does not declare', LAB],
    ['of which nothing is built', { ...LAB, targets: { 'edge-01': null } }],
  ])('a manifest is for a channel %s', (_, fleet) => {
    const made = draft(fleet);
    const channel = fleet === LAB ? 'legacy' : 'edge';
    const foreign = edit(made.manifests['stable'], (manifest) => Object.assign(manifest, { channel }));
    expect(refusalOf(publish({ ...made, manifests: { ...made.manifests, [channel]: foreign } }))).toEqual({
      reason: 'UndeclaredChannel',
      message: `the fleet yields no rollout for channel "${channel}": remove its manifest`,
    });
  });

  it('a manifest was made for another fleet, though hosts and ref are the same', () => {
    const other = sha256Hex('another fleet');
    const verdict = refusalOf(
      withStable((manifest) => Object.assign(manifest, { fleetResolvedHash: other })),
    );
    expect(verdict).toMatchObject({
      reason: 'ManifestHashMismatch',
      message: expect.stringMatching(
        `^the manifest of channel "stable" was made for fleet ${other}, this one is `,
      ),
    });
  });

  it.each<[string, (manifest: ManifestDraft) => void]>([
    ['another ref', (manifest) => (manifest.channelRef = '2'.repeat(40))],
    ['a host less', ({ hostSet }) => hostSet.pop()],
    ['a host more', ({ hostSet }) => hostSet.push({ ...webOne(hostSet), hostname: 'web-03' })],
    ['another host', ({ hostSet }) => (webOne(hostSet).hostname = 'web-03')],
    ['one host twice in place of another', ({ hostSet }) => hostSet.splice(1, 1, webOne(hostSet))],
    ['another wave', ({ hostSet }) => (webOne(hostSet).waveIndex = 1)],
    ['another target', ({ hostSet }) => (webOne(hostSet).targetClosure = 'evil')],
  ])('a manifest has %s than the fleet yields', (_, change) => {
    expect(refusalOf(withStable(change))).toMatchObject({
      reason: 'ProjectionMismatch',
      message: expect.stringMatching('^the manifest of channel "stable" has other hosts'),
    });
  });

  it('a channel with hosts has no manifest, and the first such channel is named', () => {
    expect(refusalOf({ ...publish(draft()), manifests: [] })).toEqual({
      reason: 'ManifestMissing',
      message: 'channel "edge" has hosts but no signed manifest: sign and publish one',
    });
    const { edge = '' } = draft().manifests;
    expect(refusalOf(publish({ ...draft(), manifests: { edge } }))).toMatchObject({
      message: expect.stringContaining('channel "stable"'),
    });
  });
});

describe('a bundle', () => {
  function releaseOf(published: PublishedRelease) {
    const verdict = verifyRelease(published, TRUST);
    if (!verdict.ok) throw new Error(verdict.message);
    return verdict.release;
  }

  it('gives back the very bytes and signatures, so that they verify again', () => {
    const published = publish(draft());
    const read = decodeReleaseBundle(encodeReleaseBundle(releaseOf(published)));
    const sorted = [...published.manifests].toSorted((a, b) =>
      (a.channel ?? '') < (b.channel ?? '') ? -1 : 1,
    );
    expect(plain(read)).toEqual(plain({ ...published, manifests: sorted }));
    expect(refusalOf(read)).toBe('accepted');
  });

  it('is the same for the same release, in whatever order it was published', () => {
    const published = publish(draft());
    const other = { ...published, manifests: published.manifests.toReversed() };
    const release = releaseOf(published);
    expect(encodeReleaseBundle(releaseOf(other))).toEqual(encodeReleaseBundle(release));
    const shuffled = { ...release, manifests: new Map([...release.manifests].toReversed()) };
    expect(encodeReleaseBundle(shuffled)).toEqual(encodeReleaseBundle(release));
  });

  it.each([
    ['no JSON', 'nothing', /JSON/],
    ['of a version to come', '{"version":2,"fleet":{"text":"","signature":""},"manifests":[]}', /version 1/],
    ['without fleet', '{"version":1,"manifests":[]}', /fleet/],
    ['without signature', '{"version":1,"fleet":{"text":""},"manifests":[]}', /signature/],
    [
      'without channel',
      '{"version":1,"fleet":{"text":"","signature":""},"manifests":[{"text":"","signature":""}]}',
      /channel/,
    ],
  ])('that is %s is refused', (_, text, message) => {
    expect(() => decodeReleaseBundle(Buffer.from(text))).toThrow(message);
  });
});

function plain({ fleet, manifests }: PublishedRelease) {
  const hex = ({ bytes, signature }: SignedDocument) =>
    [bytes, signature].map((part) => Buffer.from(part).toString('hex'));
  return [hex(fleet), ...manifests.map(({ channel, document }) => [channel, ...hex(document)])];
}
