import type { Command } from 'commander';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded, note } from './command.ts';
import { documentOf } from './document.ts';
import { nameOf, readInput } from './files.ts';
import { projected } from './release-documents.ts';
import { writeReleaseFolder } from './release-folder.ts';
import { readSigningKey } from './signing.ts';

interface ProjectOptions {
  readonly fleet: string;
  readonly out: string;
  readonly key?: string;
}

/** `project`: makes the rollout manifests of a fleet. */
export function registerProject(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'project',
    summary: 'make the rollout manifests of a fleet, one per channel',
    description:
      'Writes DIR/<channel>.manifest.json for every channel of a signed (or stamped) fleet that has hosts with a ' +
      'closure, and its .sig if there is a key. The manifests name the fleet by the hash of its canonical form, so make ' +
      'them after the last change to it.',
    examples: ['project --fleet fleet.resolved.json --key ci.pem --out release/'],
  })
    .requiredOption('--fleet <file>', 'the fleet.resolved.json; "-" for stdin')
    .requiredOption('--out <dir>', 'the folder to write to; made if it does not exist')
    .option('--key <file>', 'PEM private key to sign the manifests with')
    .action((options: ProjectOptions) => guarded(io, 'project', () => project(io, options)));
}

async function project(io: CliIo, options: ProjectOptions): Promise<void> {
  const signer = options.key === undefined ? undefined : await readSigningKey(io, options.key, '--key');
  const name = nameOf(options.fleet);
  const bytes = await readInput(io, options.fleet, '--fleet a fleet.resolved.json');
  const manifests = projected(name, documentOf(name, bytes, 'fleet'), signer);
  await writeReleaseFolder(io, options.out, manifests);
  if (manifests.length === 0)
    note(io, `${name}: no channel has a host with a closure, so there is no manifest`);
  else if (signer === undefined)
    note(io, 'the manifests are not signed: give --key, or sign them with "sign"');
}
