/* A program outside the tree: all it has is what was installed. Asks no vendor. */

#include <stdio.h>

#include <tokenkeep.h>

int main(void) {
    tokenkeep_config *config = tokenkeep_config_new("acquire");
    tokenkeep_client *client = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    int failed = 1;

    tokenkeep_config_set(config, "access_token", "given", TOKENKEEP_NUL_ENDED);
    if (tokenkeep_client_new(config, &client, &error) != TOKENKEEP_OK ||
        tokenkeep_client_token(client, NULL, &token, &error) != TOKENKEEP_OK) {
        fprintf(stderr, "%s\n", tokenkeep_error_message(error));
    } else {
        printf("tokenkeep %s: %s\n", tokenkeep_version(), tokenkeep_token_authorization(token, NULL));
        failed = 0;
    }
    tokenkeep_error_free(error);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
    tokenkeep_config_free(config);
    return failed;
}
