import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { z } from 'zod';
import { closureOf } from '../../../src/dev/demo/design.ts';
import { OPERATOR_COMMAND } from '../../../src/dev/local/publish.ts';
import { type FleetDesign, fleetResolved } from '../../../src/dev/local/release.ts';
import { kube, names } from './cluster.ts';

const run = promisify(execFile);
/** Names that kustomize makes from those in examples/gitops and the content. */
const GENERATED = /^fleet-(?:release|manifests|nonces)-[a-z0-9]{10}$/;

const workflowSchema = z.object({
  jobs: z.record(
    z.string(),
    z.object({ steps: z.array(z.object({ name: z.string().optional(), run: z.string().optional() })) }),
  ),
});

/**
 * A team's Git repository, a copy of examples/gitops with an origin, and its CI, which runs the very steps of the
 * example's workflows.
 */
export class FleetRepository {
  readonly folder: string;
  readonly ciKey: string;
  readonly orgRootKey: string;
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
    this.folder = join(root, 'repository');
    this.ciKey = join(root, 'ci.pem');
    this.orgRootKey = join(root, 'root.pem');
  }

  /** Makes the repository and the keys under `root`; hosts may enrol. Resolves when `trust/` names the keys. */
  static async create(root: string): Promise<FleetRepository> {
    const repository = new FleetRepository(root);
    const { folder, ciKey, orgRootKey } = repository;
    await cp('examples/gitops', folder, { recursive: true });
    await mkdir(join(root, 'runner'));
    const slot = async (file: string): Promise<object> => {
      const { stdout } = await run(OPERATOR_COMMAND, ['keygen', '--out', file]);
      return { current: JSON.parse(stdout) };
    };
    const trust = { schemaVersion: 1, ciReleaseKey: await slot(ciKey), orgRootKey: await slot(orgRootKey) };
    await writeFile(join(folder, 'trust', 'trust.json'), JSON.stringify(trust));
    await repository.edit('fleet/kustomization.yaml', (text) =>
      text.replace('# components: [../enrolment]', 'components: [../enrolment]'),
    );
    await run('git', ['init', '--quiet', '--bare', join(root, 'origin')]);
    await repository.git('init', '--quiet', '--initial-branch=main');
    await repository.git('config', 'user.name', 'a person');
    await repository.git('config', 'user.email', 'person@fleet.example');
    await repository.git('remote', 'add', 'origin', join(root, 'origin'));
    await repository.git('add', '.');
    await repository.git('commit', '--quiet', '--message=begin');
    await repository.git('push', '--quiet', '--set-upstream', 'origin', 'main');
    return repository;
  }

  /** Runs git in it. Rejects with its stderr. */
  async git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', args, { cwd: this.folder, env: this.#env({}) });
    return stdout.trim();
  }

  /** Changes a file of it; nothing is committed. Throws where the edit changes nothing. */
  async edit(file: string, change: (text: string) => string): Promise<void> {
    const path = join(this.folder, file);
    const before = await readFile(path, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${file} is as it was: the edit found nothing to change`);
    await writeFile(path, after);
  }

  /** A person, or Nix, changes what the fleet shall run. Resolves to the commit. */
  async commitFleet(fleet: FleetDesign, version: string): Promise<string> {
    const design = { commit: '', signedAt: null, closureOf: (host: string) => closureOf(host, version) };
    const unsigned = { ...fleetResolved(fleet, design), meta: { schemaVersion: 1 } };
    await writeFile(join(this.folder, 'fleet.resolved.json'), JSON.stringify(unsigned, null, 2));
    await this.git('commit', '--quiet', '--all', `--message=fleet: ${version}`);
    await this.git('push', '--quiet');
    return this.git('rev-parse', 'HEAD');
  }

  /** CI lists the nonces of these tokens, each as `host=nonce`, and pushes. */
  async allowEnrolment(pairs: readonly string[]): Promise<void> {
    await this.#runSteps('enrol.yaml', ['Sign', 'Publish'], { PAIRS: pairs.join(' ') });
  }

  /** CI signs the fleet of the newest commit, and pushes. */
  async sign(): Promise<void> {
    await this.#runSteps('release.yaml', ['Sign', 'Publish']);
  }

  /** The same for a commit of the past, whose files are applied as that run leaves them; nothing is pushed. */
  async releaseAgain(commit: string): Promise<void> {
    await this.git('checkout', '--quiet', '--detach', commit);
    await this.#runSteps('release.yaml', ['Sign']);
    await this.apply();
    await this.git('checkout', '--quiet', '--force', 'main');
  }

  /** What GitOps does: applies the folder `fleet/` as it is, and prunes ConfigMaps that it no longer yields. */
  async apply(): Promise<void> {
    const folder = join(this.folder, 'fleet');
    await kube(['apply', '--server-side', '-k', folder]);
    const wanted = await kube(['kustomize', folder]);
    const old = (await names('configmaps')).filter(
      (name) => GENERATED.test(name) && !wanted.includes(`\n  name: ${name}\n`),
    );
    if (old.length > 0) await kube(['delete', 'configmaps', ...old]);
  }

  /** The same, cut off before the ConfigMap of this name arrived. */
  async applyWithout(name: string): Promise<void> {
    const all = await kube(['kustomize', join(this.folder, 'fleet')]);
    const objects = all.split('\n---\n');
    const some = objects.filter((object) => !object.includes(`\n  name: ${name}-`));
    if (some.length !== objects.length - 1) throw new Error(`no ConfigMap is named after ${name}`);
    await kube(['apply', '--server-side', '-f', '-'], some.join('\n---\n'));
  }

  async #runSteps(file: string, stepNames: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const path = join(this.folder, '.github/workflows', file);
    const { jobs } = workflowSchema.parse(parse(await readFile(path, 'utf8')));
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    for (const name of stepNames) {
      const script = steps.find((step) => step.name === name)?.run;
      if (script === undefined) throw new Error(`${file} has no step "${name}" that runs anything`);
      const CI_KEY = await readFile(this.ciKey, 'utf8');
      // As a runner does in a job that has a container.
      await run('sh', ['-e', '-c', script], { cwd: this.folder, env: this.#env({ CI_KEY, ...env }) });
    }
  }

  #env(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const PATH = [dirname(OPERATOR_COMMAND), process.env['PATH']].join(delimiter);
    const HOME = this.#root;
    // The steps of a runner write to git's global configuration, which is not to be that of who runs the tests.
    const GIT_CONFIG_GLOBAL = join(HOME, '.gitconfig');
    return { ...process.env, PATH, HOME, GIT_CONFIG_GLOBAL, RUNNER_TEMP: join(HOME, 'runner'), ...more };
  }
}
