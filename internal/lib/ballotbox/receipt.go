package ballotbox

import (
	"crypto/ed25519"
	"fmt"
)

// receiptMessage is what a receipt signs.
func receiptMessage(question, ballot Hash) []byte {
	return about("rochdale/receipt/v1").part(question[:]).part(ballot[:])
}

// SignReceipt says, by the election's receipt key, that the ballot of this
// hash is in the box. A member whose ballot is not in the published file, nor
// a later one with its key, shows it.
func SignReceipt(key ed25519.PrivateKey, question, ballot Hash) Base64 {
	return ed25519.Sign(key, receiptMessage(question, ballot))
}

// CheckReceipt refuses what SignReceipt did not sign.
func (q *Question) CheckReceipt(ballot Hash, receipt Base64) error {
	question, err := q.Hash()
	if err != nil {
		return err
	}
	if len(q.ReceiptKey) != ed25519.PublicKeySize || !ed25519.Verify(ed25519.PublicKey(q.ReceiptKey), receiptMessage(question, ballot), receipt) {
		return fmt.Errorf("check receipt: it is not signed for this ballot by the election")
	}
	return nil
}
