import * as z from 'zod/mini';

/**
 * The schemas that the simulator's own API and LiveChat's APIs share. Every message is a noun phrase: the own API returns
 * it as `expected`, LiveChat's APIs return "`field` must be …".
 */

export const string = z.string('a string');

export const nonEmpty = (what = 'a non-empty string') => z.string(what).check(z.minLength(1, what));

export const oneOf = <const Values extends readonly string[]>(values: Values) =>
  z.enum(values, `one of ${values.join(', ')}`);

export const integer = (what: string, min: number) => z.int(what).check(z.gte(min, what));

export const httpUrl = (what: string) => z.string(what).check(z.url({ protocol: /^https?$/, error: what }));

const agentIdFormat = "an agent's e-mail address, or a bot's id of 32 hex digits";

export const agentId = z.string(agentIdFormat).check(z.regex(/^(\S+@\S+|[0-9a-f]{32})$/, agentIdFormat));

export const groupId = integer('a group id, 0 or more', 0);

/** LiveChat's limit on the text of a message. */
const maxTextBytes = 16 * 1024;

export const messageText = nonEmpty().check(
  z.refine((value) => Buffer.byteLength(value) <= maxTextBytes, 'at most 16 KB'),
);

/** The two errors with which LiveChat rejects a call for a closed chat. Both were observed. */
export const inactiveForm = oneOf(['chat_inactive', 'validation']);

export type InactiveForm = z.infer<typeof inactiveForm>;

/** The fields of a button. `user_ids` lists the users who clicked it. */
export const buttonFields = {
  text: nonEmpty(),
  type: oneOf(['message', 'url', 'webview', 'phone']),
  value: string,
  postback_id: nonEmpty(),
  user_ids: z.array(string, 'a list of user ids'),
  webview_height: z.optional(oneOf(['compact', 'tall', 'full'])),
  target: z.optional(oneOf(['new', 'current'])),
};

export type Button = z.infer<z.ZodMiniObject<typeof buttonFields>>;

/** The fields of an element of a rich message. LiveChat allows 13 buttons. */
export const elementFields = <ButtonSchema extends z.ZodMiniType<Button>>(button: ButtonSchema) => ({
  title: z.optional(string),
  subtitle: z.optional(string),
  image: z.optional(z.looseObject({ url: nonEmpty() }, 'an object with url')),
  buttons: z.optional(z.array(button, 'a list of buttons').check(z.maxLength(13, 'at most 13 buttons'))),
});

export type RichElement = z.infer<z.ZodMiniObject<ReturnType<typeof elementFields<z.ZodMiniType<Button>>>>>;

/** LiveChat allows 10 elements. */
export const elements = <ElementSchema extends z.ZodMiniType>(element: ElementSchema) =>
  z.array(element, 'a list of elements').check(z.minLength(1, '1 to 10 elements'), z.maxLength(10, '1 to 10 elements'));

export const postback = z.object({
  id: nonEmpty(),
  thread_id: nonEmpty(),
  event_id: nonEmpty(),
  type: z.optional(string),
  value: z.optional(string),
});
