/** The API group, version and the names that every object of the operator shares (kubernetes-api.md, first section). */
export const GROUP = 'nixfleet.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;
export const CATEGORY = 'nixfleet';

/** Label keys. Their values are object names, never free text (kubernetes-api.md, Conventions). */
export const LABEL_FLEET = `${GROUP}/fleet`;
export const LABEL_ROLLOUT = `${GROUP}/rollout`;
export const LABEL_HOST = `${GROUP}/host`;
export const LABEL_CONTENT = `${GROUP}/content`;
/**
 * On a Rollout or record that was made anew because somebody deleted it while it was in force: its host may be in the
 * middle of a switch that nobody remembers (architecture.md D22).
 */
export const ANNOTATION_REOPENED = `${GROUP}/reopened`;
/** Marks what a burned bootstrap nonce leaves behind. */
export const LABEL_BURNED_NONCE = `${GROUP}/burned-nonce`;
