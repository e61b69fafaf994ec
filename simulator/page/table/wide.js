/* The modules of labels, buttons, channels and statuses. */

import * as labels from '../labels.js';
import { Collection, Model } from '../models.js';
import * as newsletters from '../newsletters.js';
import { sendNewsletterMessageJob, sendTextMsgToChat } from '../outgoing.js';
import { revokeStatus, StatusModel, StatusStore } from '../statuses.js';

const hex = (index) => labels.PALETTE[index];

const labelModules = [
  { id: 'WAWebLabelModel', exports: () => ({ default: labels.LabelModel, Label: labels.LabelModel }) },
  {
    id: 'WAWebLabelCollection',
    dependencies: ['WAWebLabelModel'],
    exports: () => ({ LabelCollection: labels.LabelStore }),
  },
  {
    id: 'WAWebBizLabelEditingAction',
    exports: () => ({
      labelAddAction: labels.addLabel,
      labelEditAction: labels.editLabel,
      labelDeleteAction: labels.deleteLabel,
      getNextLabelId: labels.nextId,
    }),
  },
  {
    id: 'WAWebLabelItemUtils',
    exports: () => ({
      addToLabelCollection() {},
      removeLabelFromCollection() {},
      createLabelItemId: (label, type, id) => `${label}_${type}_${id}`,
      getParentCollection: () => undefined,
      initializeLabels() {},
    }),
  },
  {
    id: 'WAWebLabelColors',
    exports: () => ({ colorIndexToHex: hex, getAllLabelColors: () => labels.PALETTE }),
  },
];

/* Buttons below a text. */
class TemplateButtonModel extends Model {
  static props = ['id', 'displayText', 'url', 'phoneNumber', 'selectionId', 'subtype'];
}
TemplateButtonModel.prototype.proxyName = 'templateButton';
class TemplateButtonCollection extends Collection {
  constructor() {
    super(TemplateButtonModel);
  }
}

const buttonModules = [
  {
    id: 'WAWebTemplateButtonModel',
    exports: () => ({ default: TemplateButtonModel, TemplateButton: TemplateButtonModel }),
  },
  { id: 'WAWebTemplateButtonCollection', exports: () => ({ TemplateButtonCollection }) },
  { id: 'WAWebSendTextMsgChatAction', exports: () => ({ sendTextMsgToChat }) },
];

const newsletterModules = [
  { id: 'WAWebNewsletterCollection', exports: () => ({ default: newsletters.NewsletterStore }) },
  {
    id: 'WAWebNewsletterMetadataCollection',
    exports: () => ({ default: newsletters.NewsletterMetadata }),
  },
  {
    id: 'WAWebNewsletterGatingUtils',
    exports: () => ({
      isNewsletterCreationEnabled: () => true,
      getNewsletterDirectoryPageSize: () => 50,
      getMaxSubscriberNumber: () => 1000,
    }),
  },
  { id: 'WAWebNewsletterCreateQueryJob', exports: () => ({ createNewsletterQuery: newsletters.create }) },
  { id: 'WAWebNewsletterDeleteQueryJob', exports: () => ({ deleteNewsletter: newsletters.remove }) },
  { id: 'WAWebNewsletterDeleteAction', exports: () => ({ deleteNewsletterAction: newsletters.remove }) },
  { id: 'WAWebMexJoinNewsletterJob', exports: () => ({ mexJoinNewsletter: newsletters.join }) },
  { id: 'WAWebMexLeaveNewsletterJob', exports: () => ({ mexLeaveNewsletter: newsletters.leave }) },
  {
    id: 'WAWebNewsletterSubscribeAction',
    exports: () => ({ subscribeToNewsletterAction: newsletters.join }),
  },
  {
    id: 'WAWebNewsletterUnsubscribeAction',
    exports: () => ({ unsubscribeFromNewsletterAction: newsletters.leave }),
  },
  {
    id: 'WAWebNewsletterMuteJob',
    exports: () => ({ muteNewsletter: newsletters.mute, unmuteNewsletter: newsletters.unmute }),
  },
  {
    id: 'WAWebLoadNewsletterPreviewChatAction',
    exports: () => ({ loadNewsletterPreviewChat: newsletters.loadPreview }),
  },
  {
    id: 'WAWebNewsletterMetadataQueryJob',
    exports: () => ({ queryNewsletterMetadataByInviteCode: newsletters.queryByInvite }),
  },
  { id: 'WAWebNewsletterSendMessageJob', exports: () => ({ sendNewsletterMessageJob }) },
  {
    id: 'WAWebNewsletterUpdateMsgsRecordsJob',
    exports: () => ({ addNewsletterMsgsRecords: async () => {}, updateNewsletterMsgRecord: async () => {} }),
  },
  { id: 'WAWebMsgDataFromModel', exports: () => ({ msgDataFromMsgModel: (message) => ({ ...message.attributes }) }) },
  { id: 'WAWebNewsletterModelUtils', exports: () => ({ getRoleByIdentifier: () => 'guest' }) },
  {
    id: 'WAWebNewsletterDirectorySearchAction',
    exports: () => ({ fetchNewsletterDirectories: newsletters.directory }),
  },
  { id: 'WAWebL10N', exports: () => ({ getRegion: () => 'BR' }) },
  {
    id: 'WAWebCountriesNativeCountryNames',
    exports: () => ({ countryCodesIso: { BR: 'Brasil', PT: 'Portugal', US: 'United States' } }),
  },
];

const statusModules = [
  { id: 'WAJids', exports: () => ({ STATUS_JID: 'status@broadcast', toNewsletterJid: (id) => id }) },
  { id: 'WAWebStatusModel', exports: () => ({ default: StatusModel, Status: StatusModel }) },
  {
    id: 'WAWebStatusCollection',
    dependencies: ['WAWebStatusModel'],
    exports: () => ({ StatusCollection: StatusStore }),
  },
  { id: 'WAWebRevokeStatusAction', exports: () => ({ sendStatusRevokeMsgAction: revokeStatus }) },
];

export const wideModules = [...labelModules, ...buttonModules, ...newsletterModules, ...statusModules];

export const wideStores = {
  Label: labels.LabelStore,
  Status: StatusStore,
  WAWebNewsletterCollection: newsletters.NewsletterStore,
  NewsletterMetadataCollection: newsletters.NewsletterMetadata,
  WAWebNewsletterMetadataCollection: newsletters.NewsletterMetadata,
};
