import { z } from 'zod';
import { compareCodePoints } from '../planner/order.ts';
import type { PublishedRelease, Release, SignedDocument } from './release.ts';

const bundledDocument = z.object({ text: z.string(), signature: z.string() });
const bundleSchema = z.object({
  version: z.literal(1, { error: 'this operator reads version 1' }),
  fleet: bundledDocument,
  manifests: z.array(bundledDocument.extend({ channel: z.string() })),
});

type Bundle = z.infer<typeof bundleSchema>;
type BundledDocument = z.infer<typeof bundledDocument>;

/**
 * The bytes under which a release is kept: exact texts and signatures, manifests by channel, so that the same release
 * always makes the same bytes (architecture.md §1, content in force). Verified documents are UTF-8 text.
 */
export function encodeReleaseBundle(release: Release): Uint8Array {
  const bundle: Bundle = {
    version: 1,
    fleet: bundled(release),
    manifests: [...release.manifests.values()]
      .toSorted((a, b) => compareCodePoints(a.channel, b.channel))
      .map((manifest) => ({ channel: manifest.channel, ...bundled(manifest) })),
  };
  return Buffer.from(JSON.stringify(bundle));
}

/** What a bundle holds, to be verified again. Throws on bytes that `encodeReleaseBundle` did not make. */
export function decodeReleaseBundle(bytes: Uint8Array): PublishedRelease {
  const bundle = bundleSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  return {
    fleet: unbundled(bundle.fleet),
    manifests: bundle.manifests.map((manifest) => ({
      channel: manifest.channel,
      document: unbundled(manifest),
    })),
  };
}

function bundled({ bytes, signature }: SignedDocument): BundledDocument {
  return { text: Buffer.from(bytes).toString(), signature: Buffer.from(signature).toString('base64') };
}

function unbundled({ text, signature }: BundledDocument): SignedDocument {
  return { bytes: Buffer.from(text), signature: Buffer.from(signature, 'base64') };
}
