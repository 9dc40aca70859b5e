import * as z from 'zod/mini';

/**
 * LiveChat's rich messages. Fields that this bridge does not know go along as they are.
 * Limits: Agent Chat API, "rich message" (platform.text.com/docs/messaging).
 */
const mostElements = 10;
const mostButtons = 13;

const required = z.string().check(z.minLength(1));
const webAddress = z.string().check(z.refine(isWebAddress, 'expected an http or https URL'));

const onEveryButton = {
  text: required,
  value: required,
  postback_id: required,
  /** Who clicked: nobody yet. */
  user_ids: z._default(z.array(z.string()), () => []),
};

const button = z.discriminatedUnion('type', [
  z.looseObject({ ...onEveryButton, type: z.literal('message') }),
  z.looseObject({
    ...onEveryButton,
    type: z.literal('url'),
    value: webAddress,
    target: z.optional(z.enum(['new', 'current'])),
  }),
  z.looseObject({
    ...onEveryButton,
    type: z.literal('webview'),
    value: webAddress,
    webview_height: z.enum(['compact', 'tall', 'full']),
  }),
  z.looseObject({
    ...onEveryButton,
    type: z.literal('phone'),
    value: z.string().check(z.regex(/\d/, 'expected a phone number')),
  }),
]);

const image = z.looseObject({ url: webAddress });

const onEveryElement = {
  title: z.optional(z.string()),
  subtitle: z.optional(z.string()),
  buttons: z.optional(z.array(button).check(z.maxLength(mostButtons))),
};
const element = z.looseObject({ ...onEveryElement, image: z.optional(image) });
const sticker = z.looseObject({ ...onEveryElement, image });

const one = z.minLength(1);
const most = z.maxLength(mostElements);

export const richMessageContent = z.discriminatedUnion('templateId', [
  z.object({ templateId: z.enum(['cards', 'quick_replies']), elements: z.array(element).check(one, most) }),
  z.object({ templateId: z.literal('sticker'), elements: z.array(sticker).check(one, most) }),
]);
export type RichMessageContent = z.infer<typeof richMessageContent>;

function isWebAddress(text: string): boolean {
  return ['https:', 'http:'].includes(URL.parse(text)?.protocol ?? '');
}
