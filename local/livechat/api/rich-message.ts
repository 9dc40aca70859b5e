import * as z from 'zod/mini';

/** LiveChat's limits on a rich message. */
const maxElements = 10;
const maxButtons = 13;

const word = z.string().check(z.minLength(1));

const button = z
  .object({
    text: word,
    type: z.enum(['message', 'url', 'webview', 'phone'], 'must be one of message, url, webview, phone'),
    value: z.string(),
    postback_id: word,
    user_ids: z.array(z.string()),
    webview_height: z.optional(z.enum(['compact', 'tall', 'full'], 'must be one of compact, tall, full')),
    target: z.optional(z.enum(['new', 'current'], 'must be one of new, current')),
  })
  .check(
    z.refine(({ type, webview_height }) => type !== 'webview' || webview_height !== undefined, {
      path: ['webview_height'],
    }),
  );

const element = z.object({
  title: z.optional(z.string()),
  subtitle: z.optional(z.string()),
  image: z.optional(z.looseObject({ url: word })),
  buttons: z.optional(z.array(button).check(z.maxLength(maxButtons, `must have at most ${maxButtons} buttons`))),
  ecommerce: z.optional(z.record(z.string(), z.unknown())),
});

const templates = ['cards', 'quick_replies', 'sticker', 'ecommerce'];

export const richMessageFields = {
  template_id: z.enum(templates, `must be one of ${templates.join(', ')}`),
  elements: z
    .array(element)
    .check(
      z.minLength(1, 'must have at least 1 element'),
      z.maxLength(maxElements, `must have at most ${maxElements} elements`),
    ),
};
