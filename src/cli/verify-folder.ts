import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ReleaseTrust, type SignedDocument, verifyRelease } from '../core/artifacts/release.ts';
import { checkFailed } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { readInput } from './files.ts';
import { FLEET_KEY, MANIFEST_SUFFIX } from './release-documents.ts';
import { signatureOf } from '../core/artifacts/signature-file.ts';

/** Judges the release in a folder as the operator will: the fleet and a manifest for every channel that needs one. */
export async function verifyFolder(io: CliIo, folder: string, trust: ReleaseTrust): Promise<object> {
  const fleet = await readSigned(io, folder, FLEET_KEY);
  const names = (await readdir(folder)).filter((name) => name.endsWith(MANIFEST_SUFFIX)).toSorted();
  const manifests = [];
  for (const name of names) {
    const channel = name.slice(0, -MANIFEST_SUFFIX.length);
    manifests.push({ channel, document: await readSigned(io, folder, name) });
  }
  const verdict = verifyRelease({ fleet, manifests }, trust);
  if (!verdict.ok) throw checkFailed(`${folder}: ${verdict.reason}: ${verdict.message}`);
  const { release } = verdict;
  return {
    kind: 'release',
    signedAt: release.signedAt,
    ciCommit: release.ciCommit,
    sha256: release.sha256,
    rollouts: [...release.manifests.values()].map(({ rolloutId }) => rolloutId),
  };
}

async function readSigned(io: CliIo, folder: string, name: string): Promise<SignedDocument> {
  const path = join(folder, name);
  const bytes = await readInput(io, path, 'a folder with a whole release');
  const signature = await readInput(io, `${path}.sig`, 'a folder with a whole release');
  return { bytes, signature: signatureOf(signature) };
}
