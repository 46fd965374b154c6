import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const MOUNT = '/sys/fs/cgroup';
/** What a kubelet does not do without, by version. */
const NEEDED = { 1: ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids'], 2: ['cpu', 'memory', 'pids'] } as const;
/** Where processes go that stand in the way of controllers. */
const LEAF = 'init';

/** The kernel's control groups as they are mounted here: version 1 (a hierarchy per controller), or version 2 alone. */
export class Cgroups {
  readonly #mount: string;
  readonly #unified: boolean;

  private constructor(mount: string, unified: boolean) {
    this.#mount = mount;
    this.#unified = unified;
  }

  /** Looks at what is mounted. */
  static async find(mount: string = MOUNT): Promise<Cgroups> {
    // Beside hierarchies of version 1 there may be an empty one of version 2, but not here.
    return new Cgroups(mount, await exists(join(mount, 'cgroup.controllers')));
  }

  /** Why containers cannot be run with them; undefined where they can. */
  async reasonAgainst(): Promise<string | undefined> {
    const there = this.#unified ? await this.#controllers() : await this.#hierarchyNames();
    const missing = NEEDED[this.#unified ? 2 : 1].filter((name) => !there.includes(name)).join(', ');
    if (missing !== '' && this.#unified) {
      return `lacks the cgroup v2 controllers ${missing} in ${this.#mount}/cgroup.controllers: have them delegated to this container or service`;
    }
    if (missing !== '') {
      return `lacks cgroups for ${missing} under ${this.#mount}: mount cgroup2 there, or the v1 hierarchies; a container has to be privileged`;
    }
    return this.#unified ? this.#reasonAgainstDelegating() : undefined;
  }

  async #reasonAgainstDelegating(): Promise<string | undefined> {
    try {
      await this.#delegate();
      return undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return `cannot give cgroups under ${this.#mount} their controllers (${why}): start the container privileged, with a cgroup namespace of its own (--cgroupns=private)`;
    }
  }

  /** Makes a group of this name directly under the root, with every controller that there is. */
  async make(name: string): Promise<void> {
    if (this.#unified) await this.#delegate();
    for (const hierarchy of await this.#hierarchies()) {
      await mkdir(join(hierarchy, name), { recursive: true });
      if (this.#unified || !hierarchy.endsWith('/cpuset')) continue;
      // In version 1, one without CPUs or memory nodes takes no process.
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        await writeFile(join(hierarchy, name, file), await readFile(join(hierarchy, file)));
      }
    }
  }

  /** Removes it again with everything under it; nothing may run there any more. */
  async remove(name: string): Promise<void> {
    for (const hierarchy of await this.#hierarchies()) await removeTree(join(hierarchy, name));
  }

  /** Lets groups under the root have controllers. In a container its own processes have to leave the root first. */
  async #delegate(): Promise<void> {
    const file = join(this.#mount, 'cgroup.subtree_control');
    const enabled = (await this.#controllers()).map((name) => `+${name}`).join(' ');
    try {
      await writeFile(file, enabled);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error;
      await this.#emptyRoot();
      await writeFile(file, enabled);
    }
  }

  async #emptyRoot(): Promise<void> {
    await mkdir(join(this.#mount, LEAF), { recursive: true });
    const processes = (await readFile(join(this.#mount, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean);
    for (const pid of processes) {
      // One that has ended meanwhile is not in the way.
      await writeFile(join(this.#mount, LEAF, 'cgroup.procs'), pid).catch(() => undefined);
    }
  }

  async #controllers(): Promise<string[]> {
    const text = await readFile(join(this.#mount, 'cgroup.controllers'), 'utf8');
    return text.trim().split(/\s+/);
  }

  async #hierarchyNames(): Promise<string[]> {
    // Several controllers can share a hierarchy, such as "cpu,cpuacct".
    return (await this.#hierarchies()).flatMap((folder) => basename(folder).split(','));
  }

  async #hierarchies(): Promise<string[]> {
    if (this.#unified) return [this.#mount];
    const entries = await readdir(this.#mount, { withFileTypes: true }).catch(() => []);
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(this.#mount, name));
    const usable = await Promise.all(folders.map(async (folder) => exists(join(folder, 'cgroup.procs'))));
    return folders.filter((_, index) => usable[index] === true);
  }
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder).catch(() => undefined); // gone already, or the kernel is not through with it
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
