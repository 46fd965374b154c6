import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { FleetSpec } from '../../api/kinds/fleet.ts';
import { CN_SUFFIX, FLEET, NAMESPACE, type Installation } from './installation.ts';
import type { ReleaseDocuments } from './release.ts';

/** The command that users sign with. */
export const OPERATOR_COMMAND = fileURLToPath(new URL('../../../bin/nixfleet-operator', import.meta.url));

/** Where a release was put. */
export interface PublishedFiles {
  readonly folder: string;
  /** The documents with their signatures beside them (`.sig`). */
  readonly documents: readonly string[];
  /** ConfigMap and Fleet, ready for `kubectl apply --server-side -f`. */
  readonly manifest: string;
}

const run = promisify(execFile);

/**
 * Does what CI does: writes the documents into a folder, signs them with `nixfleet-operator sign`, and wraps them
 * into a ConfigMap named after the commit and a Fleet that refers to it.
 */
export async function writeRelease(
  installation: Installation,
  commit: string,
  documents: ReleaseDocuments,
  agents: FleetAgents = {},
): Promise<PublishedFiles> {
  const folder = join(installation.folder, `release-${commit.slice(0, 8)}`);
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const [name, text] of documents) {
    paths.push(join(folder, name));
    await writeFile(join(folder, name), text);
  }
  await run(OPERATOR_COMMAND, ['sign', '--key', installation.files.ciKey, ...paths], {
    env: { ...process.env, PATH: `${nodeFolder()}:${process.env['PATH'] ?? ''}` },
  });
  const configMap = `${FLEET}-release-${commit.slice(0, 8)}`;
  const manifest = join(folder, 'release.json');
  const items = [await configMapOf(configMap, paths), fleetOf(configMap, agents)];
  await writeFile(manifest, `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2)}\n`);
  return { folder, documents: paths, manifest };
}

/** What `spec.agents` of the Fleet says beside the authority and the suffix. */
export type FleetAgents = Partial<FleetSpec['agents']>;

/** The Fleet as a team commits it, taking its release from one ConfigMap. */
export function fleetOf(configMap: string, agents: FleetAgents = {}): object {
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'Fleet',
    metadata: { name: FLEET, namespace: NAMESPACE },
    spec: {
      source: { configMapRefs: [configMap] },
      trust: { configMapRef: { name: `${FLEET}-trust`, key: 'trust.json' } },
      agents: { caSecretRef: { name: `${FLEET}-agent-ca` }, cnSuffix: CN_SUFFIX, ...agents },
    },
  };
}

async function configMapOf(name: string, paths: readonly string[]): Promise<object> {
  const data: Record<string, string> = {};
  const binaryData: Record<string, string> = {};
  for (const path of paths) {
    const key = path.slice(path.lastIndexOf('/') + 1);
    data[key] = await readFile(path, 'utf8');
    binaryData[`${key}.sig`] = (await readFile(`${path}.sig`)).toString('base64');
  }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE }, data, binaryData };
}

function nodeFolder(): string {
  return process.execPath.slice(0, process.execPath.lastIndexOf('/'));
}
