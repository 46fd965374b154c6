import { LABEL_CONTENT } from '../../api/group.ts';
import { encodeReleaseBundle } from '../../core/artifacts/release-bundle.ts';
import type { Release } from '../../core/artifacts/release.ts';
import { nameLabel } from '../../core/naming.ts';
import { putBlob } from '../../kube/blob-store.ts';
import { keyIn, type ControllerContext } from '../context.ts';

/**
 * Stores releases and keeps them stored. Bytes are compared once per object; after that the informer tells whether the
 * very objects that were compared are still there, so that looking again costs no request.
 */
export class ContentKeeper {
  readonly #context: ControllerContext;
  /** By name of a ConfigMap, the uid of the object that held the right bytes. */
  #seen = new Map<string, string | undefined>();
  readonly #names = new WeakMap<Release, readonly string[]>();

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** Stores a release where it is not stored as it should be; its ConfigMaps. Rejects as `putBlob` does. */
  async store(release: Release): Promise<readonly string[]> {
    const known = this.#names.get(release);
    if (known === undefined) return this.#put(release);
    return known.every((name) => this.#isThere(name)) ? known : this.#restore(release);
  }

  /**
   * Stores the content in force anew where somebody has deleted or replaced it, although the source may no longer give
   * it: `release` was read from it and verified. Rejects as `putBlob` does.
   */
  async keep(contentRefs: readonly string[], release: Release): Promise<void> {
    for (const name of contentRefs) {
      if (!this.#seen.has(name)) this.#seen.set(name, this.#uidOf(name));
    }
    if (contentRefs.every((name) => this.#isThere(name))) return;
    const known = this.#names.get(release);
    // What another version of the operator packed in another way cannot be made again.
    if (known !== undefined && known.join() !== contentRefs.join()) return;
    await this.#restore(release);
  }

  async #restore(release: Release): Promise<readonly string[]> {
    const names = await this.#put(release);
    this.#context.audit.warn({ configMaps: names }, 'content that was gone or damaged is stored anew');
    return names;
  }

  async #put(release: Release): Promise<readonly string[]> {
    const { client, namespace, fleetName, stores, audit } = this.#context;
    const { names, parts, replaced } = await putBlob(
      client,
      { namespace, prefix: fleetName, labels: nameLabel(LABEL_CONTENT, fleetName) },
      encodeReleaseBundle(release),
    );
    for (const part of parts) stores.contents.upsertFromWrite(part);
    this.#seen = new Map(parts.map(({ metadata: { name, uid } }) => [name, uid]));
    this.#names.set(release, names);
    if (replaced.length > 0)
      audit.warn({ configMaps: replaced }, 'content held other bytes and was replaced');
    return names;
  }

  #isThere(name: string): boolean {
    const uid = this.#uidOf(name);
    return uid !== undefined && uid === this.#seen.get(name);
  }

  #uidOf(name: string): string | undefined {
    return this.#context.stores.contents.get(keyIn(this.#context, name))?.metadata.uid;
  }
}
