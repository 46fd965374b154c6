import type { Command } from 'commander';
import { canonicalizeValue } from '../core/artifacts/canonical-json.ts';
import type { SigningKey } from '../core/artifacts/sign.ts';
import { verifyRelease } from '../core/artifacts/release.ts';
import { badInput } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded, note } from './command.ts';
import { renderConfigMaps } from './config-map.ts';
import { documentOf, readObject, stamped } from './document.ts';
import { nameOf, readInput } from './files.ts';
import {
  FLEET_KEY,
  MANIFEST_SUFFIX,
  projected,
  released,
  type ReleaseDocument,
} from './release-documents.ts';
import { writeReleaseFolder } from './release-folder.ts';
import { readSigningKey } from './signing.ts';

interface ReleaseOptions {
  readonly fleet: string;
  readonly key: string;
  readonly out?: string;
  readonly commit?: string;
  readonly configMap?: string;
  readonly namespace?: string;
}

/** RFC 1123 subdomain, with room for the numbers that are put behind. */
const OBJECT_NAME = /^[a-z0-9](?:[-a-z0-9.]{0,240}[a-z0-9])?$/;
const NAMESPACE_NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** `release`: from an unsigned fleet to everything that is published. */
export function registerRelease(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'release',
    summary: 'stamp and sign a fleet with its manifests: all that a release needs',
    description:
      'Sets meta.signedAt of the fleet to now, signs it, makes the manifest of every channel and signs those. Writes ' +
      'fleet.resolved.json and <channel>.manifest.json, each with its .sig, into DIR; or prints the ConfigMaps that a ' +
      'Fleet names in spec.source.configMapRefs (packed and spread over several above 700 KiB). The file given stays as ' +
      'it is. Sign anew at least hourly: agents refuse older releases.',
    examples: [
      'release --fleet fleet.resolved.json --key ci.pem --out release/',
      'release --fleet fleet.resolved.json --key ci.pem --config-map lab-release --namespace nixfleet | kubectl apply --server-side -f -',
    ],
  })
    .requiredOption('--fleet <file>', 'the fleet.resolved.json, signed or not; "-" for stdin')
    .requiredOption('--key <file>', 'PEM private key (Ed25519 or P-256) of the CI')
    .option('--out <dir>', 'the folder to write to; made if it does not exist')
    .option('--commit <sha>', 'set meta.ciCommit, after which the rollouts are named')
    .option('--config-map <name>', 'print ConfigMaps of this name on stdout')
    .option('--namespace <namespace>', 'the namespace of the ConfigMaps; kubectl’s own otherwise')
    .action((options: ReleaseOptions) => guarded(io, 'release', () => release(io, options)));
}

async function release(io: CliIo, options: ReleaseOptions): Promise<void> {
  checkTarget(options);
  const key = await readSigningKey(io, options.key, '--key');
  const documents = await makeRelease(io, options, key);
  checkRelease(io, key, documents);
  const { out, configMap, namespace } = options;
  if (out !== undefined) {
    // With a ConfigMap on stdout, the names of the files would spoil it.
    const quiet = configMap === undefined ? io : { ...io, writeOut: () => undefined };
    await writeReleaseFolder(quiet, out, documents);
  }
  if (configMap === undefined) return;
  const { names, yaml } = renderConfigMaps({ name: configMap, namespace }, documents);
  io.writeOut(yaml);
  note(io, `spec.source.configMapRefs of the Fleet: [${names.join(', ')}]`);
}

function checkTarget({ out, configMap, namespace }: ReleaseOptions): void {
  if (out === undefined && configMap === undefined)
    throw badInput('say where the release goes: --out DIR, --config-map NAME or both');
  if (configMap !== undefined && !OBJECT_NAME.test(configMap))
    throw badInput(`--config-map ${configMap} is no object name: use a-z, 0-9, - and . only`);
  if (namespace === undefined) return;
  if (configMap === undefined) throw badInput('--namespace is of use with --config-map only');
  if (!NAMESPACE_NAME.test(namespace))
    throw badInput(`--namespace ${namespace} is no namespace: use a-z, 0-9 and - only`);
}

async function makeRelease(io: CliIo, options: ReleaseOptions, key: SigningKey): Promise<ReleaseDocument[]> {
  const name = nameOf(options.fleet);
  const bytes = await readInput(io, options.fleet, '--fleet a fleet.resolved.json');
  const { value } = readObject(name, bytes);
  const commit = options.commit === undefined ? {} : { ciCommit: options.commit };
  const text = canonicalizeValue(stamped(value, io.now(), key.trusted.algorithm, commit));
  const fleet = documentOf(name, Buffer.from(text), 'fleet');
  return [released(FLEET_KEY, text, key), ...projected(name, fleet, key)];
}

/** What the operator would refuse is not published. */
function checkRelease(io: CliIo, key: SigningKey, documents: readonly ReleaseDocument[]): void {
  const [fleet, ...manifests] = documents.map(({ text, signature = new Uint8Array() }) => ({
    bytes: Buffer.from(text),
    signature,
  }));
  if (fleet === undefined) return;
  const published = {
    fleet,
    manifests: manifests.map((document, index) => ({
      channel: (documents[index + 1]?.key ?? '').slice(0, -MANIFEST_SUFFIX.length),
      document,
    })),
  };
  const verdict = verifyRelease(published, {
    keys: [key.trusted],
    now: io.now(),
    freshnessWindowSeconds: 0,
  });
  if (!verdict.ok) throw badInput(`the operator would refuse this release: ${verdict.message}`);
  if (manifests.length === 0) note(io, 'no channel has a host with a closure: the release rolls nothing out');
}
